import { expect, it } from 'vitest';
import { quantityOf } from './quantity.ts';

it.each([
  ['250m', 0.25],
  ['4', 4],
  [2, 2],
  ['1.5', 1.5],
  ['512Mi', 536_870_912],
  ['16393244Ki', 16_786_681_856],
  ['1G', 1_000_000_000],
  ['100k', 100_000],
  ['1e3', 1_000],
  ['2E', 2e18],
  ['', 0],
  ['much', 0],
  [undefined, 0],
])('%s is %d', (text, value) => {
  expect(quantityOf(text)).toBeCloseTo(value, 9);
});
