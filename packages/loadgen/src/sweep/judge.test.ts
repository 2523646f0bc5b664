import { describe, expect, it } from 'vitest';
import { judge } from './judge.ts';
import type { Expected, Settled, Told } from './judge.ts';

const WRITES: Expected = { rows: 2, refusedWith: null };
const REFUSED: Expected = { rows: 0, refusedWith: '23503' };
const DONE: Told = { kind: 'done' };
const NOT_EXECUTED: Told = { kind: 'not-executed', reason: 'given up' };

function unknown(settled: Settled): Told {
  return { kind: 'unknown', reason: 'lost', token: undefined, settled };
}

describe('judge', () => {
  it.each<[string, Expected, Told, number]>([
    ['done, and there once', WRITES, DONE, 2],
    ["the app's own error, and nothing there", REFUSED, { kind: 'refused', code: '23503' }, 0],
    ['not executed, and nothing there', WRITES, NOT_EXECUTED, 0],
    ['unknown, settled as committed, and there', WRITES, unknown('committed'), 2],
    ['unknown, settled as not committed, and nothing there', WRITES, unknown('not-committed'), 0],
    ['unknown without a token, and there', WRITES, unknown('no-token'), 2],
  ])('accepts %s', (_what, expected, told, rows) => {
    expect(judge(expected, told, rows, false)).toBeNull();
  });

  it.each<[string, Expected, Told, number]>([
    ['done, and nothing there', WRITES, DONE, 0],
    ['done twice', WRITES, DONE, 4],
    ['half of it', WRITES, DONE, 1],
    ['done, although refused', REFUSED, DONE, 0],
    ['an error that is not the app’s', REFUSED, { kind: 'refused', code: '40001' }, 0],
    ['not executed, and there', WRITES, NOT_EXECUTED, 2],
    ['settled as committed, and nothing there', WRITES, unknown('committed'), 0],
    ['settled as not committed, and there', WRITES, unknown('not-committed'), 2],
    ['a token that nobody could settle', WRITES, unknown('failed'), 0],
    ['no typed error', WRITES, { kind: 'foreign', reason: 'Error: no answer' }, 0],
  ])('names %s', (_what, expected, told, rows) => {
    expect(judge(expected, told, rows, false)).not.toBeNull();
  });

  it('leaves to the cluster what it may lose, and nothing else', () => {
    expect(judge(WRITES, DONE, 0, true)).toBeNull();
    expect(judge(WRITES, DONE, 4, true)).not.toBeNull();
  });
});
