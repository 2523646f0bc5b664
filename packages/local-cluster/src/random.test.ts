import { describe, expect, it } from 'vitest';
import { seededRandom } from './random.ts';

describe('seededRandom', () => {
  it('gives the same numbers for the same seed, and others for another', () => {
    const draw = (seed: number) => Array.from({ length: 20 }, seededRandom(seed));
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  it.each([0, 1, 2 ** 32 - 1])('stays within 0 and 1 and is fair to both halves, from seed %i', (seed) => {
    const numbers = Array.from({ length: 2_000 }, seededRandom(seed));
    expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
    const low = numbers.filter((number) => number < 0.5).length;
    expect(low).toBeGreaterThan(900);
    expect(low).toBeLessThan(1_100);
  });
});
