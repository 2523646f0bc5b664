import { describe, expect, it } from 'vitest';
import { difference, isSame } from './difference.ts';

const object = (fields: object) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a' },
  ...fields,
});

describe('a difference', () => {
  it('names each field with what it was and what it will be', () => {
    const before = object({ data: { kept: '1', changed: '1', gone: '1' }, list: [{ port: 1 }, { port: 2 }] });
    const after = object({ data: { kept: '1', changed: '2', new: '1' }, list: [{ port: 1 }, { port: 3 }] });
    expect(difference(before, after)).toEqual([
      { path: 'data.changed', before: '1', after: '2' },
      { path: 'data.gone', before: '1' },
      { path: 'data.new', after: '1' },
      { path: 'list[1].port', before: 2, after: 3 },
    ]);
  });

  it('shows a list whole that has become longer, and tells null from nothing', () => {
    expect(difference(object({ list: [1], empty: null }), object({ list: [1, 2] }))).toEqual([
      { path: 'list', before: [1], after: [1, 2] },
      { path: 'empty', before: null },
    ]);
  });

  it('does not read a key with dots as a path', () => {
    const labels = (value: string) => object({ metadata: { labels: { 'a.b/c': value } } });
    expect(difference(labels('1'), labels('2'))).toEqual([
      { path: 'metadata.labels["a.b/c"]', before: '1', after: '2' },
    ]);
  });

  it('leaves out what the server keeps for itself', () => {
    const withVersion = (version: string) =>
      object({
        status: { version },
        metadata: { resourceVersion: version, generation: 1, managedFields: [version] },
      });
    expect(difference(withVersion('1'), withVersion('2'))).toEqual([]);
  });

  it('hides all values of a Secret but its labels and type', () => {
    const secret = (value: string) => ({
      ...object({ data: { password: value }, stringData: value, type: value }),
      kind: 'Secret',
      metadata: {
        labels: { a: value },
        annotations: { 'kubectl.kubernetes.io/last-applied-configuration': value },
      },
    });
    const found = difference(secret('old-value'), secret('new-value'));
    const shown = found.filter(({ after }) => after === 'new-value').map(({ path }) => path);
    expect(shown.toSorted()).toEqual(['metadata.labels.a', 'type']);
    expect(found).toContainEqual({ path: 'data.password', before: '(hidden)', after: '(hidden)' });
    expect(found).toHaveLength(5);
  });
});

describe('values of JSON', () => {
  it('are the same in whatever order their keys stand, and lists in no other order', () => {
    expect(isSame({ a: 1, b: [{ c: 1, d: 2 }] }, { b: [{ d: 2, c: 1 }], a: 1 })).toBe(true);
    expect(isSame([1, 2], [2, 1])).toBe(false);
    expect(isSame({ a: undefined }, { b: undefined })).toBe(false);
    expect(isSame({ a: {} }, { a: [] })).toBe(false);
  });
});
