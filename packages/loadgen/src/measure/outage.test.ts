import { describe, expect, it } from 'vitest';
import { Gaps, longestOf } from './gaps.ts';
import { outageOf, ownShareMs } from './outage.ts';

const attempt = (startedAt: number, endedAt: number, ok: boolean) => ({ startedAt, endedAt, ok });

describe('outageOf', () => {
  it('finds none where every attempt succeeds', () => {
    expect(outageOf([attempt(0, 5, true), attempt(25, 30, true)])).toBeNull();
  });

  it('lasts from the first failed attempt to the first success of a later one', () => {
    const attempts = [
      attempt(0, 5, true),
      attempt(25, 26, false),
      attempt(50, 51, false),
      attempt(75, 82, true),
    ];
    expect(outageOf(attempts)).toEqual({ from: 25, to: 82 });
  });

  it('takes hung attempts in whatever order they end', () => {
    const attempts = [attempt(75, 82, true), attempt(25, 1_025, false), attempt(50, 1_050, false)];
    expect(outageOf(attempts)).toEqual({ from: 25, to: 82 });
  });

  it('is not ended by an answer that came before the first failure, whichever attempt began first', () => {
    const attempts = [attempt(50, 55, true), attempt(25, 61, false), attempt(75, 76, false)];
    expect(outageOf(attempts)).toEqual({ from: 25, to: null });
    expect(outageOf([...attempts, attempt(100, 110, true)])).toEqual({ from: 25, to: 110 });
  });

  it('is not ended by a success that began before it', () => {
    expect(outageOf([attempt(0, 40, true), attempt(25, 26, false)])).toEqual({ from: 25, to: null });
  });
});

describe('ownShareMs', () => {
  const outage = { from: 1_000, to: 6_000 };

  it('is the time from the recovery to the first success', () => {
    expect(ownShareMs(outage, [{ from: 990, to: 6_120 }])).toBe(120);
  });

  it('is zero when the driver was first, or when there was no gap', () => {
    expect(ownShareMs(outage, [{ from: 990, to: 5_995 }])).toBe(0);
    expect(ownShareMs(outage, [])).toBe(0);
  });

  it('ignores answers that were on their way when the server died', () => {
    const gaps = [
      { from: 990, to: 1_030 },
      { from: 1_030, to: 6_120 },
    ];
    expect(ownShareMs(outage, gaps)).toBe(120);
  });

  it('ignores gaps of another time', () => {
    expect(ownShareMs(outage, [{ from: 7_000, to: 20_000 }])).toBe(0);
  });

  it('is not known while the outage lasts', () => {
    expect(ownShareMs({ from: 1_000, to: null }, [])).toBeNull();
  });
});

describe('Gaps', () => {
  it('keeps the long ones between consecutive successes', () => {
    const gaps = new Gaps(0);
    for (const at of [1, 2, 500, 510, 600]) gaps.success(at);
    expect(gaps.until(605)).toEqual([
      { from: 2, to: 500 },
      { from: 510, to: 600 },
    ]);
  });

  it('counts a stall that the end of the load cuts off, also when nothing ever succeeded', () => {
    const gaps = new Gaps(0);
    expect(longestOf(gaps.until(3_000))).toBe(3_000);
    gaps.success(1_000);
    expect(longestOf(gaps.until(5_000))).toBe(4_000);
  });
});
