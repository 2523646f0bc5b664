import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseLsn } from './lsn.ts';

describe('parseLsn', () => {
  it('orders positions as PostgreSQL does, not as text', () => {
    expect(parseLsn('0/9000000') < parseLsn('0/10000000')).toBe(true);
    expect(parseLsn('9/0') < parseLsn('10/0')).toBe(true);
    expect(parseLsn('0/FFFFFFFF') < parseLsn('1/0')).toBe(true);
  });

  it('keeps all 64 bits', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (position) => {
        const text = `${(position >> 32n).toString(16)}/${(position & 0xffffffffn).toString(16)}`;
        expect(parseLsn(text.toUpperCase())).toBe(position);
      }),
    );
  });
});
