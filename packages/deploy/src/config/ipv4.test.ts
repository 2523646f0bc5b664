import { describe, expect, it } from 'vitest';
import {
  contains,
  formatAddress,
  formatNetwork,
  formatRange,
  overlaps,
  parseAddress,
  parseNetwork,
  parseRange,
  without,
} from './ipv4.ts';

const range = (text: string) => {
  const parsed = parseRange(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
};

describe('an IPv4 address', () => {
  it('is read and written', () => {
    for (const text of ['0.0.0.0', '10.0.145.135', '255.255.255.255'])
      expect(formatAddress(parseAddress(text) ?? -1)).toBe(text);
  });

  it.each([
    '',
    '10.0.145',
    '10.0.145.256',
    '10.0.145.01',
    '10.0.145.1.1',
    ' 10.0.145.1',
    '10.0.145.1/24',
    '::1',
  ])('is not %j', (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });
});

describe('a network', () => {
  it('is written without host bits', () => {
    expect(formatNetwork(parseNetwork('10.0.145.77/24') ?? { first: 0, last: 0, prefix: 0 })).toBe(
      '10.0.145.0/24',
    );
  });

  it('reaches from its first to its last address', () => {
    expect(parseNetwork('0.0.0.0/0')).toMatchObject({ first: 0, last: 2 ** 32 - 1 });
    expect(parseNetwork('128.0.0.0/1')).toMatchObject({ first: 2 ** 31, last: 2 ** 32 - 1 });
  });

  it.each(['10.0.145.0', '10.0.145.0/33', '10.0.145.0/24/24', '10.0.145.0/-1', '10.0.145.0/'])(
    'is not %j',
    (text) => {
      expect(parseNetwork(text)).toBeUndefined();
    },
  );
});

describe('a range', () => {
  it('contains and overlaps, ends included', () => {
    const pool = range('10.0.0.10-10.0.0.20');
    expect(contains(pool, range('10.0.0.10-10.0.0.20'))).toBe(true);
    expect(contains(pool, range('10.0.0.10-10.0.0.21'))).toBe(false);
    expect(overlaps(pool, range('10.0.0.20-10.0.0.30'))).toBe(true);
    expect(overlaps(pool, range('10.0.0.21-10.0.0.30'))).toBe(false);
  });

  it('is cut where addresses are taken', () => {
    const taken = ['10.0.0.10', '10.0.0.13', '10.0.0.14', '10.0.0.20'].map((text) => parseAddress(text) ?? 0);
    expect(without(range('10.0.0.10-10.0.0.20'), taken).map(formatRange)).toEqual([
      '10.0.0.11-10.0.0.12',
      '10.0.0.15-10.0.0.19',
    ]);
    expect(without(range('10.0.0.10-10.0.0.10'), taken)).toEqual([]);
  });
});
