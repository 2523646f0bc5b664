import { describe, expect, it } from 'vitest';
import type { Position } from './position.ts';
import { Samples } from './samples.ts';

function at(lsn: number, timeline = 1): Position {
  return { systemId: '1', timeline, lsn: BigInt(lsn) };
}

describe('samples', () => {
  it('demand the oldest that is young enough, and nothing can meet what nobody knows', () => {
    const samples = new Samples(1_000);
    expect(samples.demand(0)).toBeUndefined();
    samples.add(at(10), 0);
    samples.add(at(20), 500);
    expect(samples.demand(1_000)).toEqual(at(10));
    expect(samples.demand(1_001)).toEqual(at(20));
    expect(samples.demand(1_501)).toBeUndefined();
  });

  it('begin anew on another timeline', () => {
    const samples = new Samples(1_000);
    samples.add(at(10), 0);
    samples.add(at(8, 2), 100);
    expect(samples.demand(200)).toEqual(at(8, 2));
  });

  it('are due four times within the limit, and each time once', () => {
    const samples = new Samples(1_000);
    expect([samples.isDue(0), samples.isDue(100)]).toEqual([true, false]);
    samples.add(at(1), 200);
    expect([samples.isDue(400), samples.isDue(450), samples.isDue(460)]).toEqual([false, true, false]);
  });

  it('stay few, however often the primary is heard of', () => {
    const samples = new Samples(1_000);
    for (let now = 0; now < 10_000; now += 1) samples.add(at(now), now);
    // The oldest of those kept is about as old as may be.
    expect(Number(samples.demand(10_000)?.lsn)).toBeGreaterThanOrEqual(9_000);
    expect(Number(samples.demand(10_000)?.lsn)).toBeLessThanOrEqual(9_250);
  });
});
