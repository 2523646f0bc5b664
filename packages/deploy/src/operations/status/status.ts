/** How a cluster is, as Kubernetes, the operator and Patroni tell it: nothing is connected to, and nothing changed. */
import type { Lab } from '../../config/lab.ts';
import type { KubeApi } from '../../kube/kube-api.ts';
import { valueAt } from '../../kube/live-object.ts';
import type { LiveObject, Observed } from '../../kube/live-object.ts';
import { databaseLabels, serviceNames } from '../../manifests/manifest.ts';
import { isLabelled, readMembers } from '../members.ts';
import type { Member } from '../members.ts';
import { readCapacity } from '../node-capacity.ts';
import type { NodeCapacity } from '../node-capacity.ts';
import type { CheckResult } from '../verify/check.ts';
import {
  checkAddress,
  checkDatabase,
  checkMembers,
  checkNodes,
  checkPoolers,
} from '../verify/cluster-checks.ts';

const ENDPOINTS = ['master', 'replica', 'masterPooler', 'replicaPooler'] as const;
/** Of a node's memory or CPU, from which on one more instance is unlikely to find room. */
const FULL_RATIO = 0.9;

export interface ClusterState {
  readonly name: string;
  /** The operator's word; null where there is no such cluster, or it has not spoken yet. */
  readonly status: string | null;
  readonly instances: { readonly wanted: number; readonly ready: number };
  readonly members: readonly Member[];
  readonly poolers: readonly Pooler[];
  readonly addresses: readonly Address[];
  readonly volumes: readonly Volume[];
  readonly nodes: readonly NodeCapacity[];
  readonly warnings: readonly Warning[];
}

export interface Pooler {
  readonly name: string;
  readonly ready: number;
  readonly wanted: number;
}

export interface Address {
  readonly endpoint: (typeof ENDPOINTS)[number];
  readonly service: string;
  readonly pinned: string;
  /** Null where the service has none. */
  readonly assigned: string | null;
}

export interface Volume {
  readonly claim: string;
  readonly phase: string;
  readonly size: string;
  readonly storageClass: string;
}

export type Warning =
  /** What verify would say. */
  | { readonly is: 'check'; readonly found: CheckResult }
  | { readonly is: 'shared-node'; readonly node: string; readonly pods: readonly string[] }
  | {
      readonly is: 'node-full';
      readonly node: string;
      readonly what: 'cpu' | 'memory';
      readonly ratio: number;
    }
  | { readonly is: 'volume-unbound'; readonly claim: string; readonly phase: string };

export async function readStatus(kube: KubeApi, lab: Lab): Promise<ClusterState> {
  const { namespace, name } = lab.cluster;
  const services = serviceNames(lab);
  const [cluster, set, members, claims, nodes, poolers, addresses] = await Promise.all([
    kube.get({ kind: 'postgresql', namespace, name }),
    kube.get({ kind: 'StatefulSet', namespace, name }),
    readMembers(kube, lab),
    kube.list('PersistentVolumeClaim', namespace),
    readCapacity(kube),
    Promise.all(
      [services.masterPooler, services.replicaPooler].map((each) => poolerOf(kube, namespace, each)),
    ),
    Promise.all(ENDPOINTS.map((endpoint) => addressOf(kube, lab, endpoint))),
  ]);
  const status = fieldOf(cluster, 'status', 'PostgresClusterStatus');
  const volumes = claims.filter((each) => isLabelled(each, databaseLabels(lab))).map(volumeOf);
  return {
    name,
    status: typeof status === 'string' && status !== '' ? status : null,
    instances: {
      wanted: numberOf(fieldOf(cluster, 'spec', 'numberOfInstances')),
      ready: numberOf(fieldOf(set, 'status', 'readyReplicas')),
    },
    members,
    poolers,
    addresses,
    volumes,
    nodes,
    warnings: [...(await failedChecks(kube, lab)), ...warningsIn(members, volumes, nodes)],
  };
}

async function failedChecks(kube: KubeApi, lab: Lab): Promise<Warning[]> {
  const checks: CheckResult[] = await Promise.all([
    checkNodes(kube, lab).then((result) => ({ check: 'nodes', result }) as const),
    checkDatabase(kube, lab).then((result) => ({ check: 'database', result }) as const),
    checkPoolers(kube, lab).then((result) => ({ check: 'poolers', result }) as const),
    checkMembers(kube, lab).then((result) => ({ check: 'members', result }) as const),
    ...ENDPOINTS.map((endpoint) =>
      checkAddress(kube, lab, endpoint).then((result) => ({ check: 'address', endpoint, result }) as const),
    ),
  ]);
  return checks
    .filter(({ result }) => result.state === 'failed')
    .map((found): Warning => ({ is: 'check', found }));
}

/** Pure. */
export function warningsIn(
  members: readonly Member[],
  volumes: readonly Volume[],
  nodes: readonly NodeCapacity[],
): Warning[] {
  const placed = members.filter(({ node }) => node !== undefined);
  const shared = [...Map.groupBy(placed, ({ node }) => node ?? '')]
    // More members than nodes cannot but share.
    .filter(([, those]) => those.length > Math.ceil(placed.length / Math.max(1, nodes.length)))
    .map(([node, those]): Warning => ({ is: 'shared-node', node, pods: those.map(({ pod }) => pod) }));
  const full = nodes.flatMap(({ node, requested, allocatable }) =>
    (['cpu', 'memory'] as const).flatMap((what): Warning[] => {
      const ratio = allocatable[what] === 0 ? 0 : requested[what] / allocatable[what];
      return ratio >= FULL_RATIO ? [{ is: 'node-full', node, what, ratio }] : [];
    }),
  );
  const unbound = volumes
    .filter(({ phase }) => phase !== 'Bound')
    .map(({ claim, phase }): Warning => ({ is: 'volume-unbound', claim, phase }));
  return [...shared, ...full, ...unbound];
}

async function poolerOf(kube: KubeApi, namespace: string, name: string): Promise<Pooler> {
  const found = await kube.get({ kind: 'Deployment', namespace, name });
  return {
    name,
    ready: numberOf(fieldOf(found, 'status', 'availableReplicas')),
    wanted: numberOf(fieldOf(found, 'spec', 'replicas')),
  };
}

async function addressOf(kube: KubeApi, lab: Lab, endpoint: Address['endpoint']): Promise<Address> {
  const service = serviceNames(lab)[endpoint];
  const found = await kube.get({ kind: 'Service', namespace: lab.cluster.namespace, name: service });
  const assigned = fieldOf(found, 'status', 'loadBalancer', 'ingress', 0, 'ip');
  return {
    endpoint,
    service,
    pinned: lab.network.addresses[endpoint],
    assigned: typeof assigned === 'string' ? assigned : null,
  };
}

function volumeOf(claim: LiveObject): Volume {
  const text = (value: unknown) => (typeof value === 'string' ? value : '-');
  return {
    claim: claim.metadata.name,
    phase: text(valueAt(claim, 'status', 'phase')),
    size: text(
      valueAt(claim, 'status', 'capacity', 'storage') ??
        valueAt(claim, 'spec', 'resources', 'requests', 'storage'),
    ),
    storageClass: text(valueAt(claim, 'spec', 'storageClassName')),
  };
}

function fieldOf(observed: Observed, ...path: (string | number)[]): unknown {
  return observed.state === 'found' ? valueAt(observed.object, ...path) : undefined;
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
