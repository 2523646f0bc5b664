/**
 * Fixed addresses with services that are not ours. The operator gives a service and its pooler the same annotations, so
 * an address written there would be wanted twice; and what is written on a service by hand is gone when the operator
 * replaces it. So each address is a pool of its own that only the service with the right labels can use.
 */
import { formatAddress, formatRange, parseAddress, parseRange, without } from '../config/ipv4.ts';
import type { Ipv4Range } from '../config/ipv4.ts';
import type { Lab } from '../config/lab.ts';
import { databaseLabels, METALLB_NAMESPACE, ownLabels, poolerLabels, serviceNames } from './manifest.ts';
import type { Manifest } from './manifest.ts';

interface PinnedAddress {
  readonly pool: string;
  readonly address: string;
  /** As the operator labels the service. */
  readonly service: Record<string, string>;
}

export function addresses(lab: Lab): Manifest[] {
  const pinned = pinnedAddresses(lab);
  const general = `${lab.cluster.name}-general`;
  const rest = restOfPool(lab);
  const metadata = (name: string) => ({ name, namespace: METALLB_NAMESPACE, labels: ownLabels(lab) });
  const pools = pinned.map(({ pool, address, service }): Manifest => ({
    object: {
      apiVersion: 'metallb.io/v1beta1',
      kind: 'IPAddressPool',
      metadata: metadata(pool),
      spec: {
        addresses: [`${address}/32`],
        autoAssign: true,
        serviceAllocation: { serviceSelectors: [{ matchLabels: service }] },
      },
    },
  }));
  const generalPool: Manifest = {
    object: {
      apiVersion: 'metallb.io/v1beta1',
      kind: 'IPAddressPool',
      metadata: metadata(general),
      // Never by itself: a service whose own address is taken shall wait visibly, not get another one silently.
      spec: { addresses: rest.map(rangeText), autoAssign: false },
    },
  };
  const all = rest.length === 0 ? pools : [...pools, generalPool];
  return [
    ...all,
    {
      object: {
        apiVersion: 'metallb.io/v1beta1',
        kind: 'L2Advertisement',
        metadata: metadata(lab.cluster.name),
        // Without it nothing is announced.
        spec: { ipAddressPools: all.map(({ object }) => object.metadata.name) },
      },
    },
  ];
}

function pinnedAddresses(lab: Lab): PinnedAddress[] {
  const { master, replica, replicaPooler, masterPooler } = lab.network.addresses;
  const services = serviceNames(lab);
  return [
    { pool: 'master', address: master, service: { ...databaseLabels(lab), 'spilo-role': 'master' } },
    { pool: 'replica', address: replica, service: { ...databaseLabels(lab), 'spilo-role': 'replica' } },
    {
      pool: 'replica-pooler',
      address: replicaPooler,
      service: { ...poolerLabels(lab), 'connection-pooler': services.replicaPooler },
    },
    {
      pool: 'master-pooler',
      address: masterPooler,
      service: { ...poolerLabels(lab), 'connection-pooler': services.masterPooler },
    },
  ].map((each) => ({ ...each, pool: `${lab.cluster.name}-${each.pool}` }));
}

function restOfPool(lab: Lab): Ipv4Range[] {
  const pool = parseRange(lab.network.addressPool);
  const pinned = Object.values(lab.network.addresses).flatMap((text) => parseAddress(text) ?? []);
  return pool === undefined ? [] : without(pool, pinned);
}

function rangeText(range: Ipv4Range): string {
  return range.first === range.last ? `${formatAddress(range.first)}/32` : formatRange(range);
}
