import { describe, expect, it } from 'vitest';
import { check } from './checker.ts';
import type { WriteRecord } from './checker.ts';
import { judge, notReadBack } from './verdict.ts';
import type { Evidence } from './verdict.ts';

const writes = (n: number, outcome: WriteRecord['outcome'], from = 0): WriteRecord[] =>
  Array.from({ length: n }, (_, i) => ({ client: 0, seq: from + i, outcome, at: 0 }));

function evidence(told: WriteRecord[], present: WriteRecord[], more: Partial<Evidence> = {}): Evidence {
  const stored = present.map(({ client, seq }) => ({ client, seq, copies: 1, timelines: [] }));
  return {
    check: check(told, stored),
    failoversExpected: 0,
    failoversSeen: 0,
    faultsNotApplied: 0,
    faultErrors: [],
    ...more,
  };
}

describe('judge', () => {
  it('passes when every acknowledged write is present once', () => {
    const told = writes(20, 'ok');
    expect(judge(evidence(told, told))).toEqual({
      verdict: 'pass',
      reasons: ['all 20 acknowledged writes present once'],
    });
  });

  it('says through how many failovers', () => {
    const told = writes(20, 'ok');
    const { reasons } = judge(evidence(told, told, { failoversExpected: 1, failoversSeen: 1 }));
    expect(reasons[0]).toContain('through 1 failover');
  });

  it('finds a violation even when the failover did not happen', () => {
    const told = writes(2, 'ok');
    expect(judge(evidence(told, told.slice(1), { failoversExpected: 1 }))).toEqual({
      verdict: 'violation',
      reasons: ['1 write acknowledged and lost'],
    });
  });

  it('is inconclusive when nothing was acknowledged', () => {
    expect(judge(evidence(writes(3, 'fail'), [])).verdict).toBe('inconclusive');
    expect(judge(evidence([], [])).verdict).toBe('inconclusive');
  });

  it('is inconclusive when a failover that was asked for did not happen', () => {
    const told = writes(20, 'ok');
    const judgement = judge(evidence(told, told, { failoversExpected: 2, failoversSeen: 1 }));
    expect(judgement).toEqual({
      verdict: 'inconclusive',
      reasons: ['2 failovers should have happened, 1 did'],
    });
  });

  it('is inconclusive when a scheduled fault did not happen', () => {
    const told = writes(20, 'ok');
    expect(judge(evidence(told, told, { faultsNotApplied: 1 })).verdict).toBe('inconclusive');
  });

  it('is inconclusive when a fault could not be made, and says why', () => {
    const told = writes(20, 'ok');
    expect(judge(evidence(told, told, { faultErrors: ['lag: there is no standby'] }))).toEqual({
      verdict: 'inconclusive',
      reasons: ['lag: there is no standby'],
    });
  });

  it('is inconclusive when more than a tenth of the writes is unknown', () => {
    const acknowledged = writes(90, 'ok');
    const at = (unknown: number) =>
      judge(evidence([...acknowledged, ...writes(unknown, 'unknown', 1_000)], acknowledged));
    expect(at(10).verdict).toBe('pass');
    expect(at(10).reasons).toContain('10 writes (10.0 %) ended with an unknown outcome');
    expect(at(11).verdict).toBe('inconclusive');
  });

  it('never calls an unread database a pass', () => {
    expect(notReadBack('no primary').verdict).toBe('inconclusive');
  });
});
