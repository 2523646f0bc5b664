/** IPv4 as numbers. Nothing here accepts leading zeros, which some read as octal. */

export interface Ipv4Range {
  readonly first: number;
  readonly last: number;
}

export interface Ipv4Network extends Ipv4Range {
  readonly prefix: number;
}

const OCTET = '(?:0|[1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5])';
const ADDRESS = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}$`);

export function parseAddress(text: string): number | undefined {
  if (!ADDRESS.test(text)) return undefined;
  return text.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
}

export function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');
}

/** `10.0.145.0/24`; also one whose host bits are set, which {@link formatNetwork} then puts right. */
export function parseNetwork(text: string): Ipv4Network | undefined {
  const [base = '', length = '', ...rest] = text.split('/');
  const address = parseAddress(base);
  if (address === undefined || rest.length > 0 || !/^(?:[0-9]|[12][0-9]|3[0-2])$/.test(length))
    return undefined;
  const size = 2 ** (32 - Number(length));
  const first = Math.floor(address / size) * size;
  return { first, last: first + size - 1, prefix: Number(length) };
}

export function formatNetwork({ first, prefix }: Ipv4Network): string {
  return `${formatAddress(first)}/${prefix}`;
}

/** `10.0.145.130-10.0.145.149`. The end may lie before the start: that is for the caller to say. */
export function parseRange(text: string): Ipv4Range | undefined {
  const [start = '', end = '', ...rest] = text.split('-');
  const first = parseAddress(start.trim());
  const last = parseAddress(end.trim());
  return first === undefined || last === undefined || rest.length > 0 ? undefined : { first, last };
}

export function formatRange({ first, last }: Ipv4Range): string {
  return `${formatAddress(first)}-${formatAddress(last)}`;
}

export function contains(range: Ipv4Range, inner: Ipv4Range): boolean {
  return range.first <= inner.first && inner.last <= range.last;
}

export function overlaps(one: Ipv4Range, other: Ipv4Range): boolean {
  return one.first <= other.last && other.first <= one.last;
}

/** What is left of a range without some of its addresses, as ranges in order. */
export function without(range: Ipv4Range, taken: readonly number[]): Ipv4Range[] {
  const left: Ipv4Range[] = [];
  let first = range.first;
  for (const address of taken.toSorted((a, b) => a - b)) {
    if (address > range.last) break;
    if (first < address) left.push({ first, last: address - 1 });
    first = Math.max(first, address + 1);
  }
  if (first <= range.last) left.push({ first, last: range.last });
  return left;
}
