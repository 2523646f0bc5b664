import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffMs } from './backoff.ts';

const OPTIONS = { baseMs: 20, capMs: 200 };

describe('backoffMs', () => {
  it('doubles the longest pause with each failure, up to the cap', () => {
    const longest = [1, 2, 3, 4, 5, 60].map((failures) => backoffMs(failures, OPTIONS, () => 1));
    expect(longest).toEqual([20, 40, 80, 160, 200, 200]);
  });

  it('never pauses for less than a millisecond', () => {
    expect(backoffMs(1, OPTIONS, () => 0)).toBe(1);
  });

  it('stays within its bounds for any number of failures', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (failures, chance) => {
          const ms = backoffMs(failures, OPTIONS, () => chance);
          expect(ms).toBeGreaterThanOrEqual(1);
          expect(ms).toBeLessThanOrEqual(OPTIONS.capMs);
        },
      ),
    );
  });
});
