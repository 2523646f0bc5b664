import { describe, expect, it } from 'vitest';
import type { Position } from './position.ts';
import { later, meets } from './position.ts';

function at(timeline: number, lsn: bigint, systemId = '1'): Position {
  return { systemId, timeline, lsn };
}

describe('later()', () => {
  it.each([
    ['the higher LSN on one timeline', at(1, 20n), at(1, 10n), at(1, 20n)],
    ['the later timeline, whatever the LSN', at(1, 20n), at(2, 10n), at(2, 10n)],
    ['the other one of another cluster', at(9, 20n), at(1, 1n, '2'), at(1, 1n, '2')],
    ['the only one', undefined, at(1, 1n), at(1, 1n)],
  ])('is %s', (_what, one, other, expected) => {
    expect(later(one, other)).toEqual(expected);
    if (one?.systemId === other.systemId) expect(later(other, one)).toEqual(expected);
  });
});

describe('meets()', () => {
  const demand = { timeline: 2, lsn: 10n };

  it.each([
    [{ timeline: 2, lsn: 10n }, true],
    [{ timeline: 2, lsn: 9n }, false],
    // A dead branch may be far beyond the position, and a later one may not have begun there.
    [{ timeline: 1, lsn: 99n }, false],
    [{ timeline: 3, lsn: 99n }, false],
    [{ timeline: undefined, lsn: 99n }, false],
    [{ timeline: 2, lsn: undefined }, false],
  ])('of %o', (known, expected) => {
    expect(meets(known, demand)).toBe(expected);
  });

  it('asks for a known timeline at least', () => {
    const any = { timeline: undefined, lsn: 0n };
    expect(meets({ timeline: 7, lsn: 1n }, any)).toBe(true);
    expect(meets({ timeline: undefined, lsn: 1n }, any)).toBe(false);
  });
});
