import type { Cluster } from '../controllers/cluster.ts';
import type { Controller } from '../controllers/controller.ts';
import { at, numberAt, recordsAt, sameJson, stringsAt, textAt } from '../objects/json.ts';
import { nameOf, type KubeObject } from '../objects/kube-object.ts';
import { matchesSelector } from '../store/selectors.ts';
import { addressNumber, addressText } from './address-range.ts';
import type { LabFaults } from './lab-faults.ts';
import { rangesOf } from './metallb-webhook.ts';

const FROM_POOL = 'metallb.io/ip-allocated-from-pool';

/** MetalLB's controller: gives each LoadBalancer service one address from the pools. */
export function metallb(faults: LabFaults): Controller {
  return {
    name: 'metallb',
    reconcile(cluster) {
      if (!isInstalled(cluster)) return;
      for (const service of cluster.list('v1', 'Service')) {
        if (textAt(service, 'spec', 'type') === 'LoadBalancer') assign(cluster, service, faults);
        else if (addressOf(service) !== undefined) cluster.status(service, { loadBalancer: {} });
      }
    },
  };
}

/** Whether its controller runs: a Deployment with a pod that is ready. */
export function isInstalled(cluster: Pick<Cluster, 'list'>): boolean {
  return cluster
    .list('apps/v1', 'Deployment')
    .some(
      (each) =>
        /(^|-)controller$/.test(nameOf(each)) &&
        nameOf(each).includes('metallb') &&
        (numberAt(each, 'status', 'readyReplicas') ?? 0) > 0,
    );
}

function addressOf(service: KubeObject): string | undefined {
  return textAt(service, 'status', 'loadBalancer', 'ingress', 0, 'ip');
}

function assign(cluster: Cluster, service: KubeObject, faults: LabFaults): void {
  const pools = cluster.list('metallb.io/v1beta1', 'IPAddressPool');
  const wrong = faults.wrongIps.get(nameOf(service));
  const found = wrong === undefined ? choose(cluster, service, pools) : { address: wrong, pool: undefined };
  if (found === undefined) {
    if (addressOf(service) === undefined) reportFailure(cluster, service);
    return;
  }
  const { address, pool } = found;
  if (pool !== undefined && service.metadata.annotations?.[FROM_POOL] !== nameOf(pool)) {
    cluster.patch(service, { metadata: { annotations: { [FROM_POOL]: nameOf(pool) } } });
  }
  cluster.status(service, {
    ...(service['status'] as object),
    loadBalancer: { ingress: [{ ip: address, ipMode: 'VIP' }] },
  });
}

interface Found {
  readonly address: string;
  readonly pool: KubeObject | undefined;
}

/** An address that is still valid is kept; else a wanted one, one of a pool that is meant for the service, any other. */
function choose(cluster: Cluster, service: KubeObject, pools: readonly KubeObject[]): Found | undefined {
  const { annotations = {} } = service.metadata;
  const wanted =
    annotations['metallb.io/loadBalancerIPs'] ??
    annotations['metallb.universe.tf/loadBalancerIPs'] ??
    textAt(service, 'spec', 'loadBalancerIP');
  const wantedPool =
    annotations['metallb.io/address-pool'] ?? annotations['metallb.universe.tf/address-pool'];
  const kept = addressOf(service);
  if (kept !== undefined && (wanted === undefined || wanted === kept)) {
    const pool = pools.find(
      (each) =>
        contains(each, kept) &&
        (wantedPool === undefined || nameOf(each) === wantedPool) &&
        isMeantFor(cluster, each, service) !== false,
    );
    if (pool !== undefined) return { address: kept, pool };
  }
  if (wanted !== undefined) {
    const pool = pools.find((each) => contains(each, wanted));
    return pool === undefined || !isFree(cluster, service, wanted) ? undefined : { address: wanted, pool };
  }
  const candidates =
    wantedPool === undefined
      ? [...pinned(cluster, service, pools), ...general(pools)]
      : pools.filter((each) => nameOf(each) === wantedPool);
  for (const pool of candidates) {
    const address = firstFree(cluster, service, pool);
    if (address !== undefined) return { address, pool };
  }
  return undefined;
}

function contains(pool: KubeObject, address: string): boolean {
  const number = addressNumber(address) ?? -1;
  return rangesOf(pool).some(({ first, last }) => first <= number && number <= last);
}

function isAuto(pool: KubeObject): boolean {
  return at(pool, 'spec', 'autoAssign') !== false;
}

/** Pools that name this service, by falling priority: the lowest number first, those without one last. */
function pinned(cluster: Cluster, service: KubeObject, pools: readonly KubeObject[]): KubeObject[] {
  const priority = (pool: KubeObject) =>
    numberAt(pool, 'spec', 'serviceAllocation', 'priority') || Number.MAX_SAFE_INTEGER;
  const those = pools.filter((pool) => isAuto(pool) && isMeantFor(cluster, pool, service) === true);
  return those.sort((left, right) => priority(left) - priority(right));
}

function general(pools: readonly KubeObject[]): KubeObject[] {
  return pools.filter((pool) => isAuto(pool) && at(pool, 'spec', 'serviceAllocation') === undefined);
}

/** Whether a pool's rules fit a service; undefined if it has none. */
function isMeantFor(cluster: Cluster, pool: KubeObject, service: KubeObject): boolean | undefined {
  const rules = at(pool, 'spec', 'serviceAllocation');
  if (rules === undefined) return undefined;
  const namespace = service.metadata.namespace ?? '';
  const namespaces = (at(rules, 'namespaces') as string[] | undefined) ?? [];
  const namespaceLabels = stringsAt(cluster.get('v1', 'Namespace', '', namespace), 'metadata', 'labels');
  const namespaceSelectors = recordsAt(rules, 'namespaceSelectors');
  const serviceSelectors = recordsAt(rules, 'serviceSelectors');
  const isNamespace =
    (namespaces.length === 0 && namespaceSelectors.length === 0) ||
    namespaces.includes(namespace) ||
    namespaceSelectors.some((selector) => matchesSelector(selector, namespaceLabels));
  const labels = service.metadata.labels ?? {};
  return (
    isNamespace &&
    (serviceSelectors.length === 0 || serviceSelectors.some((selector) => matchesSelector(selector, labels)))
  );
}

function firstFree(cluster: Cluster, service: KubeObject, pool: KubeObject): string | undefined {
  const avoidsBuggy = at(pool, 'spec', 'avoidBuggyIPs') === true;
  for (const { first, last } of rangesOf(pool)) {
    for (let number = first; number <= last; number += 1) {
      if (avoidsBuggy && [0, 255].includes(number % 256)) continue;
      const address = addressText(number);
      if (isFree(cluster, service, address)) return address;
    }
  }
  return undefined;
}

/** Two services share an address only if both say the same key and listen on different ports. */
function isFree(cluster: Cluster, service: KubeObject, address: string): boolean {
  const others = cluster
    .list('v1', 'Service')
    .filter((each) => each.metadata.uid !== service.metadata.uid && addressOf(each) === address);
  return others.every((other) => {
    const key = service.metadata.annotations?.['metallb.io/allow-shared-ip'];
    const ports = (each: KubeObject) =>
      recordsAt(each, 'spec', 'ports').map(({ port, protocol }) => `${String(port)}/${String(protocol)}`);
    const isSame = key !== undefined && other.metadata.annotations?.['metallb.io/allow-shared-ip'] === key;
    return isSame && ports(other).every((port) => !ports(service).includes(port));
  });
}

function reportFailure(cluster: Cluster, service: KubeObject): void {
  const name = `${nameOf(service)}.allocation-failed`;
  const { namespace = 'default', uid } = service.metadata;
  const involvedObject = { apiVersion: 'v1', kind: 'Service', name: nameOf(service), namespace, uid };
  const before = cluster.get('v1', 'Event', namespace, name);
  if (before !== undefined && sameJson(textAt(before, 'involvedObject', 'uid'), uid)) return;
  cluster.ensure({
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name, namespace },
    involvedObject,
    type: 'Warning',
    reason: 'AllocationFailed',
    message: `Failed to allocate IP for "${namespace}/${nameOf(service)}": no available IPs`,
    source: { component: 'metallb-controller' },
  });
}
