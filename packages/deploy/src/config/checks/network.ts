import { contains, formatNetwork, overlaps, parseAddress, parseNetwork, parseRange } from '../ipv4.ts';
import type { Ipv4Network, Ipv4Range } from '../ipv4.ts';
import type { LabDraft } from '../lab.ts';
import { pathText, problem } from '../problem.ts';
import type { Path, Problem } from '../problem.ts';

/** An address of the file, with its place. */
interface Placed {
  readonly path: Path;
  readonly text: string;
  readonly address: number;
}

export function checkNetwork(draft: LabDraft): Problem[] {
  return [
    ...hostBits(draft),
    ...checkPool(draft),
    ...checkAddresses(draft),
    ...checkClients(draft),
    ...checkInnerNetworks(draft),
    ...podNetworkSize(draft),
  ];
}

function networks(draft: LabDraft): { path: Path; text: string; network: Ipv4Network }[] {
  const { subnet, podNetwork, serviceNetwork, clientNetworks = [] } = draft.network ?? {};
  const named: [Path, string | undefined][] = [
    [['network', 'subnet'], subnet],
    [['network', 'podNetwork'], podNetwork],
    [['network', 'serviceNetwork'], serviceNetwork],
    ...listOf(clientNetworks).map((text, index): [Path, string | undefined] => [
      ['network', 'clientNetworks', index],
      text,
    ]),
  ];
  return named.flatMap(([path, text]) => {
    const network = text === undefined ? undefined : parseNetwork(text);
    return network === undefined || text === undefined ? [] : [{ path, text, network }];
  });
}

function hostBits(draft: LabDraft): Problem[] {
  return networks(draft)
    .filter(({ text, network }) => formatNetwork(network) !== text)
    .map(({ path, text, network }) =>
      problem('host-bits-set', path, { given: text, network: formatNetwork(network) }),
    );
}

function checkPool(draft: LabDraft): Problem[] {
  const path: Path = ['network', 'addressPool'];
  const given = draft.network?.addressPool;
  const pool = poolOf(draft);
  if (given === undefined || pool === undefined) return [];
  if (pool.first > pool.last) return [problem('range-reversed', path, { given })];
  return insideSubnet(draft, path, given, pool);
}

function insideSubnet(draft: LabDraft, path: Path, given: string, range: Ipv4Range): Problem[] {
  const subnet = parseNetwork(draft.network?.subnet ?? '');
  if (subnet === undefined) return [];
  const text = formatNetwork(subnet);
  if (!contains(subnet, range)) return [problem('outside-subnet', path, { given, subnet: text })];
  const ends = subnet.prefix < 31 ? [subnet.first, subnet.last] : [];
  return ends.some((end) => range.first <= end && end <= range.last)
    ? [problem('not-assignable', path, { given, subnet: text })]
    : [];
}

function checkAddresses(draft: LabDraft): Problem[] {
  const hosts = hostAddresses(draft);
  const services = serviceAddresses(draft);
  const pool = poolOf(draft);
  const usable = pool !== undefined && pool.first <= pool.last ? pool : undefined;
  const poolText = draft.network?.addressPool ?? '';
  const inPool = ({ address }: Placed) =>
    usable !== undefined && usable.first <= address && address <= usable.last;
  return [
    ...hosts.flatMap(({ path, text, address }) =>
      insideSubnet(draft, path, text, { first: address, last: address }),
    ),
    ...(usable === undefined ? [] : services.filter((each) => !inPool(each))).map(({ path, text }) =>
      problem('outside-pool', path, { given: text, pool: poolText }),
    ),
    ...hosts
      .filter(inPool)
      .map(({ path, text }) => problem('inside-pool', path, { given: text, pool: poolText })),
    ...twice([...hosts, ...services]),
  ];
}

function twice(addresses: readonly Placed[]): Problem[] {
  return addresses.flatMap(({ path, text, address }, index) => {
    const earlier = addresses.slice(0, index).find((other) => other.address === address);
    return earlier === undefined
      ? []
      : [problem('address-taken', path, { given: text, by: pathText(earlier.path) })];
  });
}

function hostAddresses(draft: LabDraft): Placed[] {
  return Object.entries(draft.hosts ?? {}).flatMap(([name, host]) =>
    placed(['hosts', name, 'address'], host?.address),
  );
}

function serviceAddresses(draft: LabDraft): Placed[] {
  return Object.entries(draft.network?.addresses ?? {}).flatMap(([kind, text]) =>
    placed(['network', 'addresses', kind], text),
  );
}

function placed(path: Path, text: string | undefined): Placed[] {
  const address = text === undefined ? undefined : parseAddress(text);
  return address === undefined || text === undefined ? [] : [{ path, text, address }];
}

function poolOf(draft: LabDraft): Ipv4Range | undefined {
  return parseRange(draft.network?.addressPool ?? '');
}

function checkClients(draft: LabDraft): Problem[] {
  const clients = networks(draft).filter(({ path }) => path[1] === 'clientNetworks');
  return clients.flatMap(({ path, text, network }, index) => {
    if (isTooWide(network))
      return [problem('open-to-the-world', path, { given: text, subnet: draft.network?.subnet })];
    const wider = clients.find(
      (other, at) =>
        at !== index && contains(other.network, network) && (at < index || !contains(network, other.network)),
    );
    return wider === undefined || isTooWide(wider.network)
      ? []
      : [problem('network-twice', path, { given: text, by: pathText(wider.path) })];
  });
}

/** Not larger than K3s' own: each node's share is named in a network policy. Not so small that nodes cannot come back. */
function podNetworkSize(draft: LabDraft): Problem[] {
  const given = draft.network?.podNetwork ?? '';
  const prefix = parseNetwork(given)?.prefix;
  const [least, most] = [16, 20];
  if (prefix === undefined || (prefix >= least && prefix <= most)) return [];
  return [problem('pod-network-size', ['network', 'podNetwork'], { given, least, most })];
}

/** Pods and services must not hide a machine that somebody wants to reach. */
function checkInnerNetworks(draft: LabDraft): Problem[] {
  const all = networks(draft);
  return all
    .filter(({ path }) => path[1] === 'podNetwork' || path[1] === 'serviceNetwork')
    .flatMap((inner) => {
      const other = all.find(
        ({ path, network }) =>
          path !== inner.path &&
          !isTooWide(network) &&
          // Of two inner networks the later is told.
          (path[1] !== 'serviceNetwork' || inner.path[1] === 'serviceNetwork') &&
          overlaps(network, inner.network),
      );
      return other === undefined
        ? []
        : [
            problem('networks-overlap', inner.path, {
              given: inner.text,
              other: other.text,
              by: pathText(other.path),
            }),
          ];
    });
}

/** Wider than the widest private network, 10.0.0.0/8: strangers are in it. */
function isTooWide({ prefix }: Ipv4Network): boolean {
  return prefix < 8;
}

/** A list that was itself of the wrong type is gone from the draft; one with gaps is not. */
function listOf<T>(value: readonly T[]): readonly T[] {
  return Array.isArray(value) ? value : [];
}
