import { describe, expect, it } from 'vitest';
import { trendOf } from '../soak/memory.ts';
import { limitsOf } from '../soak/report.ts';

const MIB = 2 ** 20;
const inMib = (...samples: number[]) => samples.map((sample) => sample * MIB);

describe('the trend of memory', () => {
  it('is flat where samples go up and down', () => {
    expect(trendOf(inMib(100, 120, 90, 130, 80, 110, 95, 125, 100))).toEqual({
      verdict: 'flat',
      firstBytes: 100 * MIB,
      lastBytes: 100 * MIB,
      limitBytes: 110 * MIB,
    });
  });

  it('grows where the last third is more than a tenth above the first', () => {
    expect(trendOf(inMib(100, 100, 104, 106, 110, 110)).verdict).toBe('flat');
    expect(trendOf(inMib(100, 100, 104, 106, 110, 111)).verdict).toBe('grows');
  });

  it('allows a small heap 4 MiB', () => {
    expect(trendOf(inMib(20, 20, 21, 22, 24, 24)).verdict).toBe('flat');
    expect(trendOf(inMib(20, 20, 21, 22, 24, 25)).verdict).toBe('grows');
  });

  it('is not led astray by one peak, at the end or at the beginning', () => {
    expect(trendOf(inMib(100, 100, 100, 100, 100, 100, 100, 100, 300)).verdict).toBe('flat');
    expect(trendOf(inMib(300, 100, 100, 110, 110, 110, 120, 120, 120)).verdict).toBe('grows');
  });

  it('is flat where memory is given back', () => {
    expect(trendOf(inMib(200, 190, 180, 120, 110, 100)).verdict).toBe('flat');
  });

  it('is not told from fewer than six samples', () => {
    expect(trendOf(inMib(10, 20, 40, 80, 160))).toEqual({ verdict: 'too few samples' });
  });
});

describe('the limits of a soak', () => {
  const quiet = { problems: [], lostOrTwice: [], streamsLeft: 0 };
  const memory = (heap: readonly number[]) =>
    heap.map((heapBytes, index) => ({ minute: index + 2, heapBytes, residentBytes: 200 * MIB }));
  const held = (findings: Parameters<typeof limitsOf>[0]) =>
    Object.fromEntries(limitsOf(findings).map((limit) => [limit.name, limit.held]));

  it('tell growth of the heap from growth of the process', () => {
    expect(held({ ...quiet, memory: memory(inMib(30, 32, 34, 36, 38, 40)) })).toEqual({
      'error pages, console errors': true,
      'lost, or there twice': true,
      'live streams left': true,
      'heap of the app': false,
      'resident memory of the app': true,
    });
  });

  it('leave memory open where the time was too short', () => {
    expect(held({ ...quiet, memory: [] })).toMatchObject({ 'heap of the app': null });
  });

  it('name what was found', () => {
    const limits = limitsOf({ ...quiet, problems: ['pupil: 500'], streamsLeft: 3, memory: [] });
    expect(limits.filter((limit) => limit.held === false)).toEqual([
      { name: 'error pages, console errors', held: false, found: '1\n    pupil: 500' },
      { name: 'live streams left', held: false, found: '3' },
    ]);
  });
});
