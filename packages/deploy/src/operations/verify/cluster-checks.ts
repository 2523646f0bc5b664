/** What Kubernetes, the operator and Patroni say of the cluster. */
import type { Lab } from '../../config/lab.ts';
import type { KubeApi } from '../../kube/kube-api.ts';
import { conditionOf, valueAt } from '../../kube/live-object.ts';
import type { LiveObject } from '../../kube/live-object.ts';
import { serviceNames } from '../../manifests/manifest.ts';
import { obstacleTo, obstacleToDeployment } from '../../steps/obstacle.ts';
import { readMembers } from '../members.ts';
import type { Member } from '../members.ts';
import { failed, ok } from './check.ts';
import type { Result } from './check.ts';

/** Every machine of the lab that is to be a node is one, and ready. */
export async function checkNodes(kube: KubeApi, { hosts }: Lab): Promise<Result> {
  const nodes = await kube.list('Node');
  const wanted = Object.entries(hosts).filter(([, { role }]) => role !== 'services');
  for (const [name, { address }] of wanted) {
    const node = nodes.find((each) => each.metadata.name === name || addressOf(each) === address);
    if (node === undefined) return failed({ is: 'node-missing', node: name, address });
    const ready = conditionOf(node, 'Ready');
    if (ready?.status !== 'True')
      return failed({ is: 'node-not-ready', node: name, reason: ready?.message || (ready?.reason ?? '-') });
  }
  return ok({ is: 'nodes-ready', nodes: wanted.map(([name]) => name) });
}

function addressOf(node: LiveObject): string | undefined {
  const addresses = valueAt(node, 'status', 'addresses');
  if (!Array.isArray(addresses)) return undefined;
  return (addresses as { type?: string; address?: string }[]).find(({ type }) => type === 'InternalIP')
    ?.address;
}

export async function checkDatabase(kube: KubeApi, lab: Lab): Promise<Result> {
  const { name, instances } = lab.cluster;
  const obstacle = await obstacleTo(kube, lab, { for: 'database', name }, new Set());
  return obstacle === undefined
    ? ok({ is: 'running', name, instances })
    : failed({ is: 'obstacle', obstacle });
}

export async function checkPoolers(kube: KubeApi, lab: Lab): Promise<Result> {
  const { masterPooler, replicaPooler } = serviceNames(lab);
  const { namespace, pooler } = lab.cluster;
  for (const name of [masterPooler, replicaPooler]) {
    const obstacle = await obstacleToDeployment(kube, namespace, name);
    if (obstacle !== undefined) return failed({ is: 'obstacle', obstacle });
  }
  return ok({ is: 'poolers-ready', instances: pooler.instances });
}

export async function checkAddress(
  kube: KubeApi,
  lab: Lab,
  endpoint: keyof ReturnType<typeof serviceNames>,
): Promise<Result> {
  const service = serviceNames(lab)[endpoint];
  const address = lab.network.addresses[endpoint];
  const obstacle = await obstacleTo(kube, lab, { for: 'address', service, address }, new Set());
  return obstacle === undefined
    ? ok({ is: 'address-pinned', service, address })
    : failed({ is: 'obstacle', obstacle });
}

export async function checkMembers(kube: KubeApi, lab: Lab): Promise<Result> {
  return judgeMembers(await readMembers(kube, lab), lab);
}

/** States in which a member does its work; a standby that streams says so since Patroni 3. */
const WORKING: ReadonlySet<string> = new Set(['running', 'streaming', 'in archive recovery']);

/** Pure. */
export function judgeMembers(all: readonly Member[], { cluster }: Lab): Result {
  const members = all.filter(({ isGoing }) => !isGoing);
  const primaries = members.filter(({ role }) => role === 'primary');
  const [primary] = primaries;
  if (primary === undefined) return failed({ is: 'no-primary' });
  if (primaries.length > 1) return failed({ is: 'several-primaries', pods: primaries.map(({ pod }) => pod) });
  if (members.length < cluster.instances)
    return failed({ is: 'member-missing', there: members.length, wanted: cluster.instances });
  for (const member of members) {
    const fault = faultOf(member, primary, cluster.patroni.maximumLagBytes);
    if (fault !== undefined) return fault;
  }
  const standbys = members.filter(({ role }) => role === 'standby');
  if (cluster.patroni.synchronous && standbys.length > 0 && !standbys.some((each) => each.isSynchronous))
    return failed({ is: 'nobody-confirms' });
  return ok({ is: 'members-follow', primary: primary.pod, standbys: standbys.map(({ pod }) => pod) });
}

function faultOf(member: Member, primary: Member, most: number): Result | undefined {
  const { pod, state, timeline, lagBytes } = member;
  if (member.role === 'unknown' || state === undefined || !WORKING.has(state))
    return failed({ is: 'member-state', pod, state: state ?? '-' });
  if (timeline !== undefined && primary.timeline !== undefined && timeline !== primary.timeline)
    return failed({ is: 'member-timeline', pod, timeline, primarys: primary.timeline });
  // Patroni would not let it take over.
  return lagBytes !== undefined && lagBytes > most
    ? failed({ is: 'member-behind', pod, lagBytes, most })
    : undefined;
}
