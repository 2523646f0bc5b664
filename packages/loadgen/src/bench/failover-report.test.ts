import { describe, expect, it } from 'vitest';
import type { CheckResult, VerdictOfAWrite } from '../verify/checker.ts';
import { failoverReport, killLine, renderFailover } from './failover-report.ts';
import type { FailoverOptions, Kill } from './failover-report.ts';

const OPTIONS: FailoverOptions = {
  kills: 3,
  behind: 'refuse',
  fault: 'kill-primary',
  clients: 50,
  promoteAfterMs: 1_000,
};

function kill(number: number, more: Partial<Kill> = {}): Kill {
  return {
    number,
    target: 'pg1',
    clusterMs: 1_200,
    ownShareMs: 40,
    detectionMs: null,
    errors: 0,
    connects: { total: 5, mostAtATime: 2, mostPerSecond: 4, mostOpen: 5 },
    tooManyClients: 0,
    ...more,
  };
}

function report(
  kills: Kill[],
  options: Partial<FailoverOptions> = {},
  counts: Partial<Record<VerdictOfAWrite, number>> = {},
) {
  const none = { stable: 9, lost: 0, duplicate: 0, ghost: 0, unexpected: 0 };
  const check = { counts: { ...none, ...counts }, writes: 9 } as unknown as CheckResult;
  const errors = kills.reduce((sum, kill) => sum + kill.errors, 0);
  return failoverReport({
    options: { ...OPTIONS, ...options },
    server: '16.14',
    kills,
    errors,
    errorKinds: [],
    check,
  });
}

function broken({ limits }: ReturnType<typeof report>): string[] {
  return limits.filter(({ held }) => !held).map(({ what }) => what);
}

describe('failoverReport', () => {
  it('holds when every figure is within its limit', () => {
    const good = report([kill(1), kill(2, { ownShareMs: 499 }), kill(3)]);
    expect(good).toMatchObject({ held: true, ownShare: { p50Ms: 40, p99Ms: 499, maxMs: 499 } });
    expect(broken(good)).toEqual([]);
  });

  it.each<[string, Kill[], Partial<FailoverOptions>, string[]]>([
    ['a slow kill', [kill(1), kill(2), kill(3, { ownShareMs: 500 })], {}, ['own share, max']],
    [
      'slow kills',
      [kill(1), kill(2, { ownShareMs: 100 }), kill(3, { ownShareMs: 120 })],
      {},
      ['own share, p50'],
    ],
    ['no recovery', [kill(1), kill(2), kill(3, { ownShareMs: null })], {}, ['own share, max']],
    ['a black hole', [kill(1, { ownShareMs: 2_000 })], { behind: 'blackhole' }, ['own share, p99']],
    ['a late detection', [kill(1, { detectionMs: 2_100 })], { fault: 'freeze-primary' }, ['detection, max']],
    ['no detection', [kill(1, { detectionMs: null })], { fault: 'freeze-primary' }, ['detection, max']],
    ['an error', [kill(1, { errors: 1, ownShareMs: 5_000 })], { fault: 'switchover' }, ['errors']],
    [
      'a herd',
      [kill(1, { connects: { total: 30, mostAtATime: 3, mostPerSecond: 30, mostOpen: 21 } })],
      {},
      ['connects at a time', 'connections at one server'],
    ],
    ['a refusal', [kill(1, { tooManyClients: 2 })], {}, ['too many clients (53300)']],
  ])('does not hold with %s', (_, kills, options, expected) => {
    expect(broken(report(kills, options))).toEqual(expected);
  });

  it.each([
    ['lost', 'lost'],
    ['duplicate', 'done twice'],
    ['ghost', 'ghosts'],
    ['unexpected', 'ghosts'],
  ] as const)('does not hold with a write that is %s', (verdict, what) => {
    expect(broken(report([kill(1)], {}, { [verdict]: 1 }))).toEqual([what]);
  });
});

describe('the lines', () => {
  it('tell of a kill', () => {
    expect(
      killLine(kill(2, { ownShareMs: null, tooManyClients: 1 }), { ...OPTIONS, fault: 'freeze-primary' }),
    ).toBe(
      '2/3 freeze-primary pg1  cluster 1.20 s    own share NO RECOVERY  detected never  errors 0  connects 5, 2 at a time, 4/s, 5 open  53300 1 times',
    );
  });

  it('say for each limit whether it was held', () => {
    const lines = renderFailover(report([kill(1, { ownShareMs: 700 })]));
    expect(lines).toContain('NOT held  own share, max: 700 ms (limit: below 500 ms)');
    expect(lines).toContain('held      lost: 0 (limit: at most 0)');
  });
});
