import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { check } from './checker.ts';
import type { StoredWrite, VerdictOfAWrite, WriteRecord } from './checker.ts';

const write = (outcome: WriteRecord['outcome'], seq = 1): WriteRecord => ({ client: 0, seq, outcome, at: 0 });
const rows = (copies: number, seq = 1): StoredWrite => ({ client: 0, seq, copies, timelines: ['00000001'] });

describe('check', () => {
  it.each<[VerdictOfAWrite, WriteRecord['outcome'], number]>([
    ['stable', 'ok', 1],
    ['stable', 'ok-dedup', 1],
    ['lost', 'ok', 0],
    ['lost', 'ok-dedup', 0],
    ['duplicate', 'ok', 2],
    ['duplicate', 'unknown', 2],
    ['ghost', 'fail', 1],
    ['ghost', 'fail', 2],
    ['fail-absent', 'fail', 0],
    ['unknown-absent', 'unknown', 0],
    ['unknown-absent', 'unconfirmed', 0],
    ['unknown-absent', null, 0],
    ['unknown-recovered', 'unknown', 1],
    ['unknown-recovered', 'unconfirmed', 1],
    ['unknown-recovered', null, 1],
  ])('says %s of a write answered %s and present %i times', (verdict, outcome, copies) => {
    const { counts } = check([write(outcome)], copies === 0 ? [] : [rows(copies)]);
    expect(counts[verdict]).toBe(1);
    expect(Object.values(counts).reduce((sum, n) => sum + n)).toBe(1);
  });

  it('says unexpected of a row that nobody sent', () => {
    expect(check([], [rows(1)]).counts.unexpected).toBe(1);
  });

  it('names every offending operation with what the caller was told', () => {
    const { offenders } = check(
      [{ client: 3, seq: 9, outcome: 'fail', error: 'ECONNRESET', at: 5 }],
      [{ client: 3, seq: 9, copies: 2, timelines: ['00000001', '00000002'] }],
    );
    expect(offenders).toEqual([
      {
        verdict: 'ghost',
        client: 3,
        seq: 9,
        outcome: 'fail',
        error: 'ECONNRESET',
        copies: 2,
        timelines: ['00000001', '00000002'],
        at: 5,
      },
    ]);
  });

  it('agrees with the definitions, applied one by one, on any history', () => {
    const outcome = fc.constantFrom('ok', 'ok-dedup', 'unconfirmed', 'fail', 'unknown', null);
    const id = { client: fc.nat(3), seq: fc.nat(6) };
    const sameOperation = (a: { client: number; seq: number }): string => `${a.client}/${a.seq}`;
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.record({ ...id, outcome, at: fc.nat() }), { selector: sameOperation }),
        fc.uniqueArray(fc.record({ ...id, copies: fc.integer({ min: 1, max: 3 }) }), {
          selector: sameOperation,
        }),
        (writes, stored) => {
          const found = check(
            writes,
            stored.map((row) => ({ ...row, timelines: [] })),
          );
          expect(found.counts).toEqual(oracle(writes, stored));
          expect(found.offenders).toHaveLength(
            found.counts.lost + found.counts.duplicate + found.counts.ghost + found.counts.unexpected,
          );
        },
      ),
      { numRuns: 500 },
    );
  });
});

/** The same by definition: every question is put to the whole history, without an index and without order. */
function oracle(
  writes: readonly Omit<WriteRecord, 'error'>[],
  stored: readonly Omit<StoredWrite, 'timelines'>[],
): Record<VerdictOfAWrite, number> {
  const copiesOf = (w: { client: number; seq: number }): number =>
    stored
      .filter((row) => row.client === w.client && row.seq === w.seq)
      .reduce((n, row) => n + row.copies, 0);
  const told = (...outcomes: WriteRecord['outcome'][]) => writes.filter((w) => outcomes.includes(w.outcome));
  const acknowledged = told('ok', 'ok-dedup');
  const failed = told('fail');
  const open = told('unknown', 'unconfirmed', null);
  const count = (list: readonly { client: number; seq: number }[], copies: (n: number) => boolean) =>
    list.filter((w) => copies(copiesOf(w))).length;
  return {
    stable: count(acknowledged, (n) => n === 1),
    lost: count(acknowledged, (n) => n === 0),
    duplicate: count([...acknowledged, ...open], (n) => n > 1),
    ghost: count(failed, (n) => n > 0),
    'fail-absent': count(failed, (n) => n === 0),
    'unknown-absent': count(open, (n) => n === 0),
    'unknown-recovered': count(open, (n) => n === 1),
    unexpected: stored.filter((row) => !writes.some((w) => w.client === row.client && w.seq === row.seq))
      .length,
  };
}
