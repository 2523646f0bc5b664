import { describe, expect, it } from 'vitest';
import { LatencyHistogram } from './histogram.ts';

describe('LatencyHistogram', () => {
  it('says nothing where nothing was measured', () => {
    expect(new LatencyHistogram().summary()).toEqual({
      n: 0,
      p50Ms: null,
      p90Ms: null,
      p99Ms: null,
      p999Ms: null,
      maxMs: null,
    });
  });

  it('keeps three digits from microseconds to minutes', () => {
    const histogram = new LatencyHistogram();
    for (const ms of [0.123, 12.3, 123_000]) histogram.record(ms);
    const { p50Ms, maxMs } = histogram.summary();
    expect(p50Ms).toBeCloseTo(12.3, 1);
    expect(maxMs! / 123_000).toBeCloseTo(1, 2);
  });

  it('hides p99.9 until ten thousand measurements stand behind it', () => {
    const histogram = new LatencyHistogram();
    for (let i = 0; i < 9_999; i++) histogram.record(1);
    expect(histogram.summary().p999Ms).toBeNull();
    histogram.record(1);
    expect(histogram.summary().p999Ms).toBeCloseTo(1, 2);
  });

  it('takes the impossible (negative, longer than an hour) at its edges', () => {
    const histogram = new LatencyHistogram();
    histogram.record(-3);
    histogram.record(2 * 3_600_000);
    expect(histogram.summary().n).toBe(2);
    expect(histogram.summary().maxMs! / 3_600_000).toBeCloseTo(1, 2);
  });

  it('forgets everything on reset', () => {
    const histogram = new LatencyHistogram();
    histogram.record(5);
    histogram.reset();
    expect(histogram.summary().n).toBe(0);
  });
});
