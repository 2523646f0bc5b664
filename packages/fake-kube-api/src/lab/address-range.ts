/** Addresses of one pool entry, a CIDR or `start-end`, as whole numbers. IPv4 only. */
export interface AddressRange {
  readonly text: string;
  readonly first: number;
  readonly last: number;
}

/** @throws Error in MetalLB's words if it is neither. */
export function parseRange(text: string): AddressRange {
  const [start = '', end] = text.split('-').map((part) => part.trim());
  if (end !== undefined) {
    const [first, last] = [addressNumber(start), addressNumber(end)];
    if (first === undefined || last === undefined)
      throw new Error(`invalid IP range ${JSON.stringify(text)}: invalid address`);
    if (first > last)
      throw new Error(
        `invalid IP range ${JSON.stringify(text)}: start IP ${JSON.stringify(start)} is after the end IP ${JSON.stringify(end)}`,
      );
    return { text, first, last };
  }
  const [address = '', bits = ''] = text.split('/');
  const number = addressNumber(address);
  const length = /^\d+$/.test(bits) ? Number(bits) : 33;
  if (number === undefined || length > 32) throw new Error(`invalid CIDR ${JSON.stringify(text)}`);
  const size = 2 ** (32 - length);
  const first = number - (number % size);
  return { text, first, last: first + size - 1 };
}

export function overlaps(left: AddressRange, right: AddressRange): boolean {
  return left.first <= right.last && right.first <= left.last;
}

export function addressNumber(address: string): number | undefined {
  const parts = address.split('.').map(Number);
  if (parts.length !== 4 || parts.some((part) => !Number.isInteger(part) || part < 0 || part > 255))
    return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

export function addressText(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}
