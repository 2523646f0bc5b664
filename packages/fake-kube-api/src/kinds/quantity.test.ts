import { describe, expect, it } from 'vitest';
import { canonicalQuantity } from './quantity.ts';

describe('canonicalQuantity', () => {
  it.each([
    ['1000m', '1'],
    ['0.5', '500m'],
    [2, '2'],
    ['1500m', '1500m'],
    ['1024Mi', '1Gi'],
    ['1500Mi', '1500Mi'],
    ['0.5Gi', '512Mi'],
    ['0.25Ki', '256'],
    ['1000', '1k'],
    ['1e3', '1k'],
    ['5G', '5G'],
    ['0', '0'],
    ['-250m', '-250m'],
  ])('stores %s as %s', (given, stored) => {
    expect(canonicalQuantity(given)).toBe(stored);
  });

  it('is undefined for anything else', () => {
    for (const text of ['', 'ten', '1Kb', '.', '1 Gi']) expect(canonicalQuantity(text)).toBeUndefined();
  });
});
