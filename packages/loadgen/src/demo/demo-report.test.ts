import { describe, expect, it } from 'vitest';
import type { RunReport } from '../run/run-report.ts';
import { judgePromise } from './demo-report.ts';

const run = (more: object): RunReport =>
  ({
    errors: 0,
    connections: { mostAtOneServer: 20, mostInTotal: 33, samples: 9, budget: 40 },
    verification: { verdict: 'pass', reasons: [], check: null },
    ...more,
  }) as unknown as RunReport;

describe('judgePromise', () => {
  it('is kept without an error, a loss or a connection too many', () => {
    expect(judgePromise(run({}))).toEqual({ kept: true, reasons: [], inconclusive: false });
  });

  it.each([
    [{ errors: 1 }, 'callers saw 1 errors'],
    [
      { verification: { verdict: 'violation', reasons: ['1 write done twice'], check: null } },
      '1 write done twice',
    ],
    [
      { connections: { mostAtOneServer: 41, mostInTotal: 41, samples: 9, budget: 40 } },
      '41 connections, over the budget of 40',
    ],
  ])('is broken by %j', (more, reason) => {
    expect(judgePromise(run(more))).toEqual({ kept: false, reasons: [reason], inconclusive: false });
  });

  it('is not shown by a run that proves nothing', () => {
    const verification = { verdict: 'inconclusive', reasons: ['no failover'], check: null };
    expect(judgePromise(run({ verification }))).toEqual({
      kept: false,
      reasons: ['no failover'],
      inconclusive: true,
    });
    expect(judgePromise(run({ verification: null })).inconclusive).toBe(true);
  });
});
