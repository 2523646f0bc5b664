import type { Ground } from '../api/ground.ts';
import { at, isRecord, numberAt, recordsAt, textAt, type JsonObject } from '../objects/json.ts';
import type { KubeObject } from '../objects/kube-object.ts';

/** K3s' own range for services. */
const CLUSTER_IP_PREFIX = '10.43';
const NODE_PORTS = { from: 30_000, to: 32_767 };

/** Cluster addresses and node ports are allocated by the server, and kept when a client sends none. */
export function prepareService(
  object: KubeObject,
  before: KubeObject | undefined,
  ground: Ground,
): KubeObject {
  const spec = isRecord(object['spec']) ? object['spec'] : {};
  const type = textAt(spec, 'type') ?? 'ClusterIP';
  const isExternalName = type === 'ExternalName';
  const hasNodePorts =
    (type === 'NodePort' || type === 'LoadBalancer') && spec['allocateLoadBalancerNodePorts'] !== false;
  const clusterIP = isExternalName
    ? undefined
    : (textAt(spec, 'clusterIP') ?? textAt(before, 'spec', 'clusterIP') ?? freeClusterIp(ground));
  const prepared: JsonObject = {
    ...spec,
    type,
    ...(clusterIP === undefined
      ? {}
      : { clusterIP, clusterIPs: [clusterIP], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' }),
    ...(recordsAt(spec, 'ports').length === 0 ? {} : { ports: ports(spec, before, hasNodePorts, ground) }),
    ...(type === 'LoadBalancer'
      ? { allocateLoadBalancerNodePorts: spec['allocateLoadBalancerNodePorts'] ?? true }
      : {}),
    ...(hasNodePorts || type === 'LoadBalancer'
      ? { externalTrafficPolicy: spec['externalTrafficPolicy'] ?? 'Cluster' }
      : {}),
  };
  if (isExternalName)
    for (const field of ['clusterIP', 'clusterIPs', 'internalTrafficPolicy']) delete prepared[field];
  const status = type === 'LoadBalancer' ? (object['status'] ?? { loadBalancer: {} }) : { loadBalancer: {} };
  return { ...object, spec: prepared, status };
}

function ports(
  spec: JsonObject,
  before: KubeObject | undefined,
  hasNodePorts: boolean,
  ground: Ground,
): JsonObject[] {
  const taken = takenNodePorts(ground);
  return recordsAt(spec, 'ports').map((port) => {
    const old = recordsAt(before, 'spec', 'ports').find(
      (each) => each['port'] === port['port'] && each['protocol'] === port['protocol'],
    );
    const complete: JsonObject = { ...port, targetPort: port['targetPort'] ?? port['port'] };
    if (!hasNodePorts) {
      delete complete['nodePort'];
      return complete;
    }
    const nodePort = numberAt(port, 'nodePort') ?? numberAt(old, 'nodePort') ?? freeNodePort(taken);
    taken.add(nodePort);
    return { ...complete, nodePort };
  });
}

function services(ground: Ground): KubeObject[] {
  return ground.store.list('/services');
}

function freeClusterIp(ground: Ground): string {
  const taken = new Set(services(ground).map((service) => at(service, 'spec', 'clusterIP')));
  for (let number = 10; ; number += 1) {
    const address = `${CLUSTER_IP_PREFIX}.${Math.floor(number / 250)}.${(number % 250) + 1}`;
    if (!taken.has(address)) return address;
  }
}

function takenNodePorts(ground: Ground): Set<number> {
  const all = services(ground).flatMap((service) => recordsAt(service, 'spec', 'ports'));
  return new Set(all.flatMap((port) => numberAt(port, 'nodePort') ?? []));
}

function freeNodePort(taken: ReadonlySet<number>): number {
  for (let port = NODE_PORTS.from; port <= NODE_PORTS.to; port += 1) if (!taken.has(port)) return port;
  throw new Error('all node ports are taken');
}
