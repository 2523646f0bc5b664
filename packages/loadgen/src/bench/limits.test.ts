import { describe, expect, it } from 'vitest';
import { judgeLimit, median, percentile } from './limits.ts';

describe('judgeLimit', () => {
  const limit = { what: 'something', unit: 'ms', most: 100 } as const;

  it.each([
    [99.9, 'below', true],
    [100, 'below', false],
    [100, 'most', true],
    [100.1, 'most', false],
    [null, 'most', false],
  ] as const)('of %s against 100 (%s) says held: %s', (measured, bound, held) => {
    expect(judgeLimit({ ...limit, measured, bound }).held).toBe(held);
  });
});

describe('percentile', () => {
  it('is a value that was measured', () => {
    const values = [5, 1, 4, 2, 3];
    expect(median(values)).toBe(3);
    expect(percentile(values, 0.99)).toBe(5);
    expect(percentile(values, 0)).toBe(1);
    expect(values).toEqual([5, 1, 4, 2, 3]);
  });

  it('of nothing is null', () => {
    expect(median([])).toBeNull();
  });
});
