import { describe, expect, it } from 'vitest';
import { PACE, pauseMs } from './pace.ts';

describe('the pause before the next attempt', () => {
  it('doubles up to its cap, with chance in it, and is never zero', () => {
    const longest = [1, 2, 3, 4, 5, 6, 100].map((failures) => pauseMs(failures, PACE, 1));
    expect(longest).toEqual([500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
    expect(pauseMs(3, PACE, 0.5)).toBe(1_000);
    expect(pauseMs(3, PACE, 0)).toBe(1);
  });

  it('is as long as the server asks for', () => {
    expect(pauseMs(1, PACE, 0, 30_000)).toBe(30_000);
    expect(pauseMs(6, PACE, 1, 1_000)).toBe(8_000);
  });
});
