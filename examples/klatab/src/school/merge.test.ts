import { expect, it } from 'vitest';
import { merge } from './merge.ts';

it('takes what either has changed, and mine where both have', () => {
  const before = { title: 'Alt', room: '1', day: 'Mo', note: '' };
  const theirs = { title: 'Alt', room: '2', day: 'Di', note: 'gleich' };
  const mine = { title: 'Neu', room: '3', day: 'Mo', note: 'gleich' };
  const { changes, proposal } = merge(before, theirs, mine);
  expect(proposal).toEqual({ title: 'Neu', room: '3', day: 'Di', note: 'gleich' });
  expect(changes.map(({ field, isConflict }) => [field, isConflict])).toEqual([
    ['title', false],
    ['room', true],
    ['day', false],
    // Both to the same: nothing to decide.
    ['note', false],
  ]);
});

it('says nothing of what nobody has touched', () => {
  expect(merge({ title: 'A' }, { title: 'A' }, { title: 'A' }).changes).toEqual([]);
});
