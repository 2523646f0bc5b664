import { memoryText } from '../config/quantity.ts';
import type {
  CandidateObstacle,
  OperationFailure,
  RefusedVersion,
  SendersObstacle,
  TakeoverObstacle,
} from '../errors/operation-failure.ts';
import type { ByCode } from './cli-texts.ts';
import { LOG_FAILURES } from './log-failures.ts';
import { say } from './cluster-texts.ts';
import type { By } from './cluster-texts.ts';
import { partName } from './part-name.ts';

export const OPERATION_FAILURES_EN: ByCode<OperationFailure> = {
  ...LOG_FAILURES.en,
  'credentials-missing': ({ namespace, secret, key }) =>
    `Secret ${namespace}/${secret} has no ${key}. 'deploy:lab apply' fills it; does --kubeconfig name the right cluster?`,
  'pod-refused': ({ namespace, pod, what, reason }) =>
    `Pod ${namespace}/${pod} takes no ${what} (${reason}). Does it run, may this kubeconfig's user do it ('kubectl auth can-i create pods/${what}'), and is its node reachable from the API server?`,
  'switchover-refused': ({ pod, reason }) =>
    `Patroni in Pod ${pod} refuses the switchover (${reason}). See 'deploy:lab status' for the members' state, then try again.`,
  'no-single-primary': ({ cluster, pods }) =>
    `${cluster} has ${pods.length === 0 ? 'no primary' : `several primaries (${pods.join(', ')})`} right now. See 'deploy:lab status'; Patroni settles that by itself.`,
  'not-a-candidate': ({ pod, why, candidates }) =>
    `${CANDIDATES[why](pod)} ${candidates.length === 0 ? "Nobody can lead right now: see 'deploy:lab status'." : `Name one of ${candidates.join(', ')}, or leave it to Patroni.`}`,
  'nobody-took-over': ({ cluster, obstacle, seconds }) =>
    `Nobody has taken over ${cluster} within ${seconds} s: ${takeoverTextEn(obstacle)}. See the members' logs ('kubectl logs') and 'deploy:lab status'.`,
  'not-whole': ({ cluster, reason, seconds }) =>
    `${cluster} is not whole${seconds === 0 ? '' : ` after ${seconds} s`}: ${reason.en}. All members have to follow first: see 'deploy:lab status', and try again then.`,
  'versions-refused': ({ refused }) => refused.map(refusedText).join(' '),
  'load-failed': ({ reason }) =>
    `The load could not be put on: ${reason}. See what 'deploy:lab verify' says.`,
  'shipped-lab': ({ path }) =>
    `${path} is the lab that is shipped, which stays as it is. Copy it, and give the copy with --lab.`,
  'other-changes': ({ resource, fields }) =>
    `${resource} differs from the lab.yaml in ${fields.join(', ')} as well. Run 'deploy:lab apply' first, then scale.`,
  'no-room': ({ shortage: { what, node, needed, free, placed }, more }) =>
    what === 'nodes'
      ? `No node takes new pods: see 'deploy:lab status'.`
      : `There is room for ${placed} of ${more} more instances: the next one needs ${amount(what, needed)} of ${what === 'cpu' ? 'CPU' : 'memory'}, and node ${node} has ${amount(what, free)} free. Lower cluster.resources.requests, or add machines.`,
  'senders-late': ({ obstacle, seconds }) =>
    `The cluster was not ready for more members within ${seconds} s: ${sendersTextEn(obstacle)}. See the operator's log: it restarts members, one after the other. The same command goes on from here.`,
  'primary-would-go': ({ pod, instances }) =>
    `${pod} leads, and would be removed with ${instances} instances; none of those that stay can lead right now. Wait until one of them confirms writes ('deploy:lab status'), or switch over by hand first.`,
  'members-stay': ({ pods, seconds }) =>
    `${pods.join(', ')} are still there after ${seconds} s. See the operator's log; the same command goes on from here.`,
  'too-many-for-local': ({ instances, most }) =>
    `The lab has ${instances} instances, and one machine is made to carry ${most} at most. Give a copy of the lab.yaml with fewer.`,
  'local-failed': ({ reason }) => `The cluster did not start on this machine: ${reason}.`,
  'cannot-listen': ({ port, reason }) =>
    `127.0.0.1:${port} cannot be listened on (${reason}). Name another --port, or leave it out for a free one.`,
  'not-in-lab': ({ what, key }) =>
    `This lab has no ${what}: ${key} is false. Set it to true and apply, or choose another.`,
};

function refusedText({ part, from, to, why }: RefusedVersion): string {
  const name = partName(part);
  if (why === 'major')
    return `${name} ${from} runs, and the lab.yaml wants ${to}: the operator would rewrite all data in place at once, with no way back, so deploy:lab does not ask it to. Set cluster.postgres back to ${from}. By hand: apply a second lab with ${to} under another cluster.name and addresses, move the data there with pg_dump and pg_restore, then the apps.`;
  return part === 'postgresql'
    ? `${name} ${from} runs, and the lab.yaml wants ${to}: its data cannot go back. Set cluster.postgres to ${from}.`
    : `${name} ${from} runs, and this deploy:lab brings ${to}: a chart is not downgraded, what it has changed in the cluster would stay. Use a deploy:lab that brings ${from} or newer.`;
}

const CANDIDATES: Record<CandidateObstacle, (pod: string) => string> = {
  nobody: () => 'There is no standby that could lead.',
  unknown: (pod) => `${pod} is no member of this cluster.`,
  'is-primary': (pod) => `${pod} leads already.`,
  'not-ready': (pod) => `${pod} is not ready.`,
  'not-synchronous': (pod) => `${pod} does not confirm writes, so it may lack some that were acknowledged.`,
  behind: (pod) => `${pod} is further behind than cluster.patroni.maximumLagBytes.`,
};

export function takeoverTextEn(obstacle: TakeoverObstacle): string {
  return say(TAKEOVER, 'is', obstacle);
}

const TAKEOVER: By<TakeoverObstacle, 'is'> = {
  'old-leads': ({ pod }) => `${pod} still leads`,
  'nobody-leads': () => 'no pod is labelled as the primary',
  'several-lead': ({ pods }) => `${pods.join(' and ')} are all labelled as the primary`,
  'leader-not-ready': ({ pod }) => `${pod} leads and is not ready yet`,
};

/** CPUs and bytes, for reading. */
function amount(what: 'cpu' | 'memory', value: number): string {
  return what === 'cpu' ? `${Math.round(value * 1_000)}m` : memoryText(value);
}

export function sendersTextEn(obstacle: SendersObstacle): string {
  return say(SENDERS, 'is', obstacle);
}

const SENDERS: By<SendersObstacle, 'is'> = {
  'restart-pending': ({ pods }) => `${pods.join(', ')} wait for their restart`,
  'setting-small': ({ setting, value, wanted }) => `${setting} is still ${value}, and will be ${wanted}`,
  'no-answer': ({ reason }) => `the primary does not answer (${reason})`,
};
