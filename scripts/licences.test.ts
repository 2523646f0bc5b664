import { describe, expect, it } from 'vitest';
import { licenceProblems } from './licences.ts';

describe('licenceProblems', () => {
  it('accepts the allowed licences, also as one of several to choose from', () => {
    expect(licenceProblems({ MIT: [{ name: 'a' }], '(GPL-3.0 OR MIT)': [{ name: 'b' }] })).toEqual([]);
  });

  it('names each package with any other licence', () => {
    expect(licenceProblems({ 'SSPL-1.0': [{ name: 'a' }], Unknown: [{ name: 'b' }] })).toEqual([
      'a: SSPL-1.0 is not among the allowed licences',
      'b: Unknown is not among the allowed licences',
    ]);
  });
});
