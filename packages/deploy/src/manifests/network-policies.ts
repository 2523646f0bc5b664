/**
 * Who may reach what inside Kubernetes. A policy that selects a pod closes it for everybody else; several add up. The
 * kubelet's probes and `kubectl port-forward` come from the pod's own node, which no policy concerns.
 */
import { formatAddress, parseNetwork } from '../config/ipv4.ts';
import type { Lab } from '../config/lab.ts';
import { CLIENT_LABEL, databaseLabels, OPERATOR_NAMESPACE, ownLabels, poolerLabels } from './manifest.ts';
import type { Manifest } from './manifest.ts';
import type { NetworkPolicyPeer } from './schema/core.ts';
import type { Kube } from './schema/kinds.ts';

const POSTGRES = 5432;
/** Patroni's REST interface has no password in Spilo, and can fail over and restart servers. */
const PATRONI = 8008;
const OPERATOR_API = 8080;
/** What K3s gives each node of the pod network. */
const NODE_PREFIX = 24;

type Ingress = Kube<'NetworkPolicy'>['spec']['ingress'][number];
type Selector = Kube<'NetworkPolicy'>['spec']['podSelector'];

export function networkPolicies(lab: Lab): Manifest[] {
  const { name, namespace } = lab.cluster;
  const database: Selector = { matchLabels: databaseLabels(lab) };
  const poolers: Selector = { matchLabels: poolerLabels(lab) };
  const clients: Selector = { matchLabels: { ...CLIENT_LABEL } };
  const operatorPods = inNamespace(OPERATOR_NAMESPACE, 'postgres-operator');
  const prometheus = inNamespace(lab.monitoring.namespace, 'prometheus');
  const ui: Selector = { matchLabels: { 'app.kubernetes.io/name': 'postgres-operator-ui' } };
  const policy = (suffix: string, podSelector: Selector, ingress: Ingress[], of = namespace): Manifest => ({
    object: {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: `${name}-${suffix}`, namespace: of, labels: ownLabels(lab) },
      spec: { podSelector, policyTypes: ['Ingress'], ingress },
    },
  });
  return [
    policy('database', database, [
      allow(POSTGRES, [
        { podSelector: database },
        { podSelector: poolers },
        { podSelector: clients },
        operatorPods,
      ]),
      allow(PATRONI, [{ podSelector: database }, operatorPods, prometheus]),
    ]),
    policy('poolers', poolers, [allow(POSTGRES, [{ podSelector: clients }])]),
    policy('addresses', bothOf(lab), [
      allow(POSTGRES, [...lab.network.clientNetworks.map(from), ...nodeAddresses(lab).map(from)]),
    ]),
    policy(
      'operator',
      { matchLabels: { 'app.kubernetes.io/name': 'postgres-operator' } },
      [allow(OPERATOR_API, [{ podSelector: ui }])],
      OPERATOR_NAMESPACE,
    ),
    // No login, and it can delete clusters: nobody but port-forward.
    ...(lab.addons.operatorUi ? [policy('operator-ui', ui, [], OPERATOR_NAMESPACE)] : []),
  ];
}

/**
 * What came in through a node's load balancer and goes on to a pod bears that node's own address in the pod network: the
 * first two of its share (flannel's interface and the bridge), which no pod ever has. Which shares will be in use nobody
 * can say beforehand, because a node that joins again gets a new one.
 */
export function nodeAddresses({ network }: Lab): string[] {
  const pods = parseNetwork(network.podNetwork);
  if (pods === undefined) return [];
  const shares = 2 ** Math.max(0, NODE_PREFIX - pods.prefix);
  return Array.from(
    { length: shares },
    (_, n) => `${formatAddress(pods.first + n * 2 ** (32 - NODE_PREFIX))}/31`,
  );
}

function bothOf({ cluster }: Lab): Selector {
  return {
    matchLabels: { 'cluster-name': cluster.name },
    matchExpressions: [{ key: 'application', operator: 'In', values: ['spilo', 'db-connection-pooler'] }],
  };
}

function allow(port: number, from: NetworkPolicyPeer[]): Ingress {
  return { from, ports: [{ protocol: 'TCP', port }] };
}

function from(cidr: string): NetworkPolicyPeer {
  return { ipBlock: { cidr } };
}

function inNamespace(namespace: string, name: string): NetworkPolicyPeer {
  return {
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
    podSelector: { matchLabels: { 'app.kubernetes.io/name': name } },
  };
}
