import { describe, expect, it } from 'vitest';
import { parseDurationMs } from './duration.ts';

describe('parseDurationMs', () => {
  it.each([
    ['500ms', 500],
    ['5s', 5_000],
    ['1.5s', 1_500],
    ['2m', 120_000],
    ['1h', 3_600_000],
    [' 25s ', 25_000],
    ['0s', 0],
  ])('reads %j', (text, ms) => {
    expect(parseDurationMs(text)).toBe(ms);
  });

  it.each(['', '5', 's', '-5s', '5 s', '5x', '1e3ms', '.5s', '5s5s'])(
    'does not take %j for a duration',
    (text) => {
      expect(parseDurationMs(text)).toBeUndefined();
    },
  );
});
