import { describe, expect, it } from 'vitest';
import { Acknowledged, StalenessTally } from './staleness.ts';

describe('Acknowledged', () => {
  it('calls a read fresh that shows the newest acknowledged write', () => {
    const acknowledged = new Acknowledged();
    acknowledged.add(1, 100);
    expect(acknowledged.seenAt(200, 1)).toEqual({ behind: 0, behindMs: 0 });
  });

  it('counts the writes that a read missed, from the oldest of them', () => {
    const acknowledged = new Acknowledged();
    for (const [seq, at] of [
      [1, 100],
      [2, 110],
      [3, 120],
    ] as const)
      acknowledged.add(seq, at);
    expect(acknowledged.seenAt(150, 1)).toEqual({ behind: 2, behindMs: 40 });
  });

  it('expects nothing that was acknowledged after the read was sent', () => {
    const acknowledged = new Acknowledged();
    acknowledged.add(1, 100);
    expect(acknowledged.seenAt(99, 0)).toEqual({ behind: 0, behindMs: 0 });
    expect(acknowledged.seenAt(101, 0)).toEqual({ behind: 1, behindMs: 1 });
  });
});

describe('StalenessTally', () => {
  it('keeps the share and the worst', () => {
    const tally = new StalenessTally();
    tally.add(0, 0);
    tally.add(2, 40);
    tally.add(1, 90);
    expect(tally.summary()).toEqual({ reads: 3, stale: 2, mostBehind: 2, mostBehindMs: 90 });
  });
});
