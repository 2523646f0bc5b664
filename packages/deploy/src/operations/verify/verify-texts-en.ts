import { obstacleText } from '../../cli/cluster-texts-en.ts';
import type { VerifyTexts } from './verify-texts.ts';

const CHECKS = {
  nodes: 'nodes',
  database: 'database',
  poolers: 'poolers',
  members: 'members',
  address: 'address',
  credentials: 'credentials',
  tls: 'TLS',
  version: 'version',
  settings: 'settings',
  'helper-schema': 'helper schema',
  write: 'write',
  read: 'read',
  refusal: 'write refused',
  tidy: 'tidied up',
  failover: 'failover',
  'api-balancer': 'API load balancer',
  backup: 'backup',
} as const;

const AGAIN = 'then verify again.';
const NETWORK =
  "Do its pods run, and is this machine in network.clientNetworks? 'kubectl -n metallb-system logs ds/metallb-speaker' says who announces the address;";

export const VERIFY_TEXTS_EN: VerifyTexts = {
  states: { ok: 'ok', failed: 'FAILED', 'not-checked': 'not checked' },
  checks: CHECKS,
  endpoints: {
    master: 'master',
    replica: 'replica',
    masterPooler: 'master pooler',
    replicaPooler: 'replica pooler',
  },
  facts: {
    'nodes-ready': ({ nodes }) => `${nodes.join(', ')} are ready`,
    running: ({ name, instances }) => `${name} runs with ${instances} of ${instances} instances`,
    'poolers-ready': ({ instances }) => `both have ${instances} of ${instances} pods`,
    'members-follow': ({ primary, standbys }) =>
      standbys.length === 0 ? `${primary} leads alone` : `${primary} leads, ${standbys.join(', ')} follow`,
    'address-pinned': ({ service, address }) => `Service ${service} has ${address}`,
    'credentials-there': ({ user, database }) => `for ${user} and ${database}, with the authority`,
    verified: ({ protocol, days }) =>
      `${protocol}, verified in full against the lab's authority, ${days} days left`,
    version: ({ version }) => `PostgreSQL ${version}`,
    'settings-hold': ({ settings }) => settings.join(', '),
    'helper-schema-there': () => 'schooldb is there, commits are exactly once',
    written: () => 'done',
    readable: ({ afterMs, limitMs, standbys }) =>
      `the write is there after ${afterMs} ms${standbys > 1 ? ` on ${standbys} connections` : ''}, allowed: ${limitMs}`,
    refused: ({ code }) => `by the standby (${code})`,
    tidied: () => 'nothing was left in the database',
  },
  faults: {
    'node-missing': ({ node, address }) => `there is no node ${node} (${address})`,
    'node-not-ready': ({ node, reason }) => `Node ${node} is not ready (${reason})`,
    obstacle: ({ obstacle }) => obstacleText(obstacle),
    'no-primary': () => 'no pod is labelled as the primary',
    'several-primaries': ({ pods }) => `${pods.join(' and ')} are all labelled as the primary`,
    'member-missing': ({ there, wanted }) => `${there} of ${wanted} members are there`,
    'member-state': ({ pod, state }) => `Pod ${pod} is in the state '${state}'`,
    'member-timeline': ({ pod, timeline, primarys }) =>
      `Pod ${pod} is on timeline ${timeline}, the primary on ${primarys}`,
    'member-behind': ({ pod, lagBytes, most }) =>
      `Pod ${pod} is ${lagBytes} bytes behind, and may be ${most}: it could not take over`,
    'nobody-confirms': () => 'no standby confirms writes, although cluster.patroni.synchronous is true',
    'secret-incomplete': ({ namespace, secret, key }) => `Secret ${namespace}/${secret} has no ${key}`,
    unreachable: ({ address, reason }) => `${address} cannot be reached from here (${reason})`,
    'no-tls': ({ address }) => `${address} refuses TLS`,
    certificate: ({ address, reason }) => `the certificate at ${address} is not to be trusted: ${reason}`,
    'other-version': ({ version, wanted }) => `PostgreSQL ${version}, and the lab.yaml says ${wanted}`,
    'setting-differs': ({ setting, value, wanted, isPending }) =>
      `${setting} is ${value}, and should be ${wanted}${isPending ? ' (waits for a restart)' : ''}`,
    'helper-schema-missing': ({ reason }) => reason,
    busy: () => 'somebody else verifies this cluster right now',
    'scratch-taken': () => "the database has a schema schooldb_verify that is not verify's",
    sql: ({ reason }) => reason,
    'served-elsewhere': ({ by, reason }) =>
      `the client had to go to ${by} instead${reason === '' ? '' : `: ${reason}`}`,
    late: ({ afterMs, limitMs }) => `the write was there after ${afterMs} ms only, allowed: ${limitMs}`,
    'never-readable': ({ afterMs }) => `the write was not there after ${afterMs} ms`,
    'write-accepted': () => 'the server has taken a write, and should be a standby',
    'not-tidied': ({ reason }) => `the schema schooldb_verify is still in the database: ${reason}`,
  },
  remedies: {
    'node-missing': ({ node }) => `Start K3s on ${node} and let it join, ${AGAIN}`,
    'node-not-ready': ({ node }) =>
      `See 'kubectl describe node ${node}' and 'journalctl -u k3s' there, ${AGAIN}`,
    obstacle: () =>
      `'kubectl get events' says what is in its way; 'deploy:lab apply' makes what is missing and waits for it, ${AGAIN}`,
    'no-primary': () =>
      `See the pods' logs: does Patroni reach the Kubernetes API, and is a member whole enough to lead?`,
    'several-primaries': () =>
      `Two primaries may take writes that one of them loses: stop the apps, and see 'patronictl list' in one of the pods.`,
    'member-missing': () =>
      `See 'kubectl describe' of the StatefulSet and its newest pod: is there memory, a volume, the image?`,
    'member-state': ({ pod }) => `See 'kubectl logs ${pod}'; a base backup takes its time, ${AGAIN}`,
    'member-timeline': ({ pod }) =>
      `Patroni mends that by itself; if it stays, 'patronictl reinit' for ${pod}.`,
    'member-behind': ({ pod }) =>
      `See 'kubectl logs ${pod}': its node's disk and network are slow, or a long query holds it up.`,
    'nobody-confirms': () =>
      `A failover may lose writes now. See whether the standbys stream ('deploy:lab status').`,
    'secret-incomplete': () => `'deploy:lab apply' fills it, ${AGAIN}`,
    unreachable: () => `${NETWORK} ${AGAIN}`,
    'no-tls': () =>
      `'deploy:lab apply' gives the servers their certificate; if they have it, restart the pods.`,
    certificate: () =>
      `Pods read a new certificate within 5 minutes, poolers when they are restarted. Is it another cluster's address? ${capitalized(AGAIN)}`,
    'other-version': () => `Set cluster.postgres to what is there, or upgrade.`,
    'setting-differs': () =>
      `'deploy:lab apply' sets it; what needs a restart is restarted by Patroni, one member after the other, ${AGAIN}`,
    'helper-schema-missing': () => `'deploy:lab apply --only helper-schema' installs it, ${AGAIN}`,
    busy: () => `Wait until that is over, ${AGAIN}`,
    'scratch-taken': () => `Rename or drop it: verify needs the name and never touches what is not its own.`,
    sql: () => `See the server's log ('kubectl logs' of the primary's pod), ${AGAIN}`,
    'served-elsewhere': () => NETWORK.replace(/;$/, '.'),
    late: () => `See 'deploy:lab status' for the standbys' lag; limits.replicaReadMs is the limit.`,
    'never-readable': () => `See 'deploy:lab status': replication to a standby has stopped.`,
    'write-accepted': () =>
      `The replica address leads to a primary: see the labels 'spilo-role' of the pods.`,
    'not-tidied': () => `The next verify drops it.`,
  },
  gaps: {
    needs: ({ check }) => `needs what '${CHECKS[check]}' looks at`,
    'no-standby': () => 'the lab has no standby',
    'is-a-drill': () => "'deploy:lab drill failover' tries it, which interrupts the apps for a moment",
    'needs-hosts': () => 'stopping each server in turn needs the hosts, which deploy does not reach yet',
    'needs-backup': () => 'backup and restore are not there yet',
  },
  taking: (seconds) => `  still looking: the database may take up to ${seconds} s for each answer`,
  passed: (ok, notChecked) => `All is well: ${ok} checks passed, ${notChecked} not checked.`,
  failed: (failed, notChecked) =>
    `${failed} ${failed === 1 ? 'check has' : 'checks have'} failed, ${notChecked} not checked.`,
};

function capitalized(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
