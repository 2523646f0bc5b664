import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { RunReport } from '@schooldb/loadgen';
import { examineLab } from '../../config/examine.ts';
import { judgeDrill } from './judge.ts';

const examined = examineLab(readFileSync(new URL('../../../lab.yaml', import.meta.url), 'utf8'));
if (!examined.ok) throw new Error('the shipped lab is wrong');
const { lab } = examined;

type Check = NonNullable<NonNullable<RunReport['verification']>['check']>;

function judge({ stallMs = 5_000, check = {} }: { stallMs?: number; check?: Partial<Check> | null } = {}) {
  const counts = {
    stable: 100,
    lost: 0,
    duplicate: 0,
    ghost: 0,
    'fail-absent': 0,
    'unknown-absent': 0,
    'unknown-recovered': 0,
    unexpected: 0,
  };
  const whole: Check = { counts, acknowledged: 100, unknown: 0, writes: 100, offenders: [] };
  const found = check === null ? null : { ...whole, ...check, counts: { ...counts, ...check.counts } };
  return judgeDrill(
    'pod-kill',
    { from: 'db-0', to: 'db-1' },
    {
      outsideFault: { startedAt: 1, stallMs },
      verification: { verdict: 'pass', reasons: ['why'], check: found },
    },
    lab,
  );
}

describe('a drill', () => {
  it('is passed where all limits are kept', () => {
    expect(judge()).toEqual({
      drill: 'pod-kill',
      from: 'db-0',
      to: 'db-1',
      nextWriteMs: 5_000,
      limitMs: 60_000,
      writes: { sent: 100, acknowledged: 100, lost: 0, doubled: 0, ghosts: 0, unexpected: 0, unknown: 0 },
      missed: [],
    });
  });

  it('names each limit that was missed', () => {
    const counts = { lost: 1, duplicate: 2, ghost: 3, unexpected: 4 } as Check['counts'];
    const { missed } = judge({ stallMs: 60_001, check: { counts, unknown: 5 } });
    expect(missed).toEqual([
      { is: 'next-write', ms: 60_001, limitMs: 60_000 },
      { is: 'lost', count: 1, limit: 0 },
      { is: 'doubled', count: 2, limit: 0 },
      { is: 'ghosts', count: 3, limit: 0 },
      { is: 'unexpected', count: 4, limit: 0 },
      { is: 'unknown', count: 5, limit: 0 },
    ]);
  });

  it('proves nothing where nothing was acknowledged or read back', () => {
    const notJudged = [{ is: 'not-judged', reason: 'why' }];
    expect(judge({ check: { acknowledged: 0 } }).missed).toEqual(notJudged);
    expect(judge({ check: null })).toMatchObject({ writes: null, missed: notJudged });
  });
});
