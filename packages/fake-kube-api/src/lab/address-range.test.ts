import { describe, expect, it } from 'vitest';
import { addressText, overlaps, parseRange } from './address-range.ts';

describe('parseRange', () => {
  it('understands a CIDR and a start with an end', () => {
    const { first, last } = parseRange('10.0.145.136/30');
    expect([addressText(first), addressText(last)]).toEqual(['10.0.145.136', '10.0.145.139']);
    expect(parseRange('10.0.145.130-10.0.145.134')).toMatchObject({
      first: parseRange('10.0.145.130/32').first,
      last: parseRange('10.0.145.134/32').last,
    });
  });

  it('names what is wrong with anything else', () => {
    expect(() => parseRange('10.0.0.9-10.0.0.1')).toThrow(
      'start IP "10.0.0.9" is after the end IP "10.0.0.1"',
    );
    for (const text of ['10.0.0.1', '10.0.0.256/32', '10.0.0.1/33', 'x-y'])
      expect(() => parseRange(text)).toThrow('invalid');
  });

  it('tells which ranges overlap', () => {
    expect(overlaps(parseRange('10.0.0.0/24'), parseRange('10.0.0.255-10.0.1.1'))).toBe(true);
    expect(overlaps(parseRange('10.0.0.0/24'), parseRange('10.0.1.0/24'))).toBe(false);
  });
});
