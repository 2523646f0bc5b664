import { describe, expect, it } from 'vitest';
import { FieldSet } from './field-set.ts';

function setOf(...paths: string[][]): FieldSet {
  const set = new FieldSet();
  for (const path of paths) set.insert(path);
  return set;
}

describe('FieldSet', () => {
  const both = setOf(['f:a'], ['f:a', 'f:b'], ['f:c', 'k:{"name":"x"}', 'f:d']);

  it('is written as managedFields, and read back', () => {
    const written = both.toFieldsV1();
    expect(written).toEqual({ 'f:a': { '.': {}, 'f:b': {} }, 'f:c': { 'k:{"name":"x"}': { 'f:d': {} } } });
    expect(FieldSet.fromFieldsV1(written).paths()).toEqual(both.paths());
  });

  it('takes away single paths, not what is below them', () => {
    expect(both.difference(setOf(['f:a'])).paths()).toEqual([
      ['f:a', 'f:b'],
      ['f:c', 'k:{"name":"x"}', 'f:d'],
    ]);
    expect(both.difference(both).isEmpty).toBe(true);
  });

  it('intersects and unites', () => {
    const other = setOf(['f:a', 'f:b'], ['f:e']);
    expect(both.intersection(other).paths()).toEqual([['f:a', 'f:b']]);
    expect(both.union(other).paths()).toContainEqual(['f:e']);
  });

  it('counts fields that lead to members, but no free keys', () => {
    const schema = { properties: { c: { additionalProperties: { properties: { d: {} } } } } };
    expect(setOf(['f:c', 'f:free', 'f:d']).withNamedFields(schema).paths()).toEqual([
      ['f:c'],
      ['f:c', 'f:free', 'f:d'],
    ]);
  });
});
