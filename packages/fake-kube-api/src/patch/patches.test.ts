import { describe, expect, it } from 'vitest';
import { applyJsonPatch } from './json-patch.ts';
import { applyMergePatch } from './merge-patch.ts';

describe('applyJsonPatch', () => {
  it('adds, replaces, removes, moves and copies', () => {
    const document = { list: [1, 2], map: { a: 1, 'b/c': 2 } };
    const patch = [
      { op: 'add', path: '/list/1', value: 9 },
      { op: 'add', path: '/list/-', value: 3 },
      { op: 'replace', path: '/map/a', value: 5 },
      { op: 'copy', from: '/map/a', path: '/copied' },
      { op: 'move', from: '/map/b~1c', path: '/moved' },
      { op: 'remove', path: '/list/0' },
      { op: 'test', path: '/moved', value: 2 },
    ];
    expect(applyJsonPatch(document, patch)).toEqual({ list: [9, 2, 3], map: { a: 5 }, copied: 5, moved: 2 });
    expect(document).toEqual({ list: [1, 2], map: { a: 1, 'b/c': 2 } });
  });

  it('refuses what does not fit the document', () => {
    for (const operation of [
      { op: 'remove', path: '/gone' },
      { op: 'replace', path: '/gone', value: 1 },
      { op: 'add', path: '/gone/below', value: 1 },
      { op: 'test', path: '/a', value: 2 },
      { op: 'invent', path: '/a' },
    ]) {
      expect(() => applyJsonPatch({ a: 1 }, [operation])).toThrow('the server rejected our request');
    }
    expect(() => applyJsonPatch({}, { op: 'add' })).toThrow('cannot unmarshal object');
  });
});

describe('applyMergePatch', () => {
  it('merges maps, replaces lists and removes by null', () => {
    expect(applyMergePatch({ a: { b: 1, c: 2 }, d: [1] }, { a: { b: null, e: 3 }, d: [2] })).toEqual({
      a: { c: 2, e: 3 },
      d: [2],
    });
  });
});
