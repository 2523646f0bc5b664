/**
 * The simulated servers answer as real ones do. Each scenario runs on both; what it has observed must be the same, and
 * what it should be: that both are wrong in the same way shows as well.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as failures from './failure-scenarios.ts';
import * as leases from './lease-scenarios.ts';
import { ModelWorld } from './model-driver.ts';
import { RealWorld } from './real-driver.ts';
import type { Scenario } from './scenario.ts';
import * as transactions from './scenarios.ts';
import * as sessions from './session-scenarios.ts';

const NO_TRANSACTION = 'WARNING 25P01 EndTransactionBlock';
const WAIT_CANCELLED = 'WARNING 01000 SyncRepWaitForLSN';
const WAIT_TERMINATED = 'WARNING 57P01 SyncRepWaitForLSN';
const CRASH = 'WARNING 57P02 quickdie';
const NOT_GUARDED = 'BEGIN, 22P02, 25P02, ROLLBACK';

const CRASHED_IN_PLACE = {
  acknowledged: 'BEGIN, INSERT 1, SELECT, COMMIT (idle)',
  lost: ['57P02', '57P02'],
  notices: [CRASH],
  timelines: 0,
  sameServer: true,
  rows: [1, 0, 0],
  settled: [true, false, false],
  again: 'BEGIN, SD001, ROLLBACK (idle)',
};

let synchronous: boolean;
let real: RealWorld;

async function startReal(): Promise<void> {
  real = await RealWorld.start({ synchronous });
}

/** Runs it on both. @returns what it has observed on the real servers, which the model has to match. */
async function onBoth(scenario: Scenario): Promise<unknown> {
  const model = new ModelWorld({ synchronous });
  try {
    const simulated = await scenario(model);
    const observed = await scenario(real);
    expect(simulated, 'the model against the real servers').toEqual(observed);
    return observed;
  } catch (error) {
    // The next scenario needs it, and this one may have stopped anywhere.
    await real.restoreReplication();
    throw error;
  } finally {
    await model.stop();
  }
}

describe('with synchronous replication, simulated and real servers alike', () => {
  beforeAll(async () => {
    synchronous = true;
    await startReal();
  });
  afterAll(() => real.stop());

  it('let no fenced attempt commit, whatever form its mark has', async () => {
    expect(await onBoth(transactions.fencedAttempt)).toEqual({
      settled: { said: 'BEGIN SET SELECT COMMIT', rows: [{ committed: false }] },
      begun: 'BEGIN, INSERT 1 (open)',
      inScript: 'SD001 (failed)',
      commitAfter: 'ROLLBACK (idle)',
      alone: 'SD001 (idle)',
      inFlush: ['BEGIN', 'INSERT 1', 'SD001', 'ROLLBACK'],
      nextAttempt: ['BEGIN', 'INSERT 1', 'SELECT', 'COMMIT'],
      rows: [0, 0, 1],
      settledAgain: [true, true, false],
    });
  });

  it('let settle wait for a mark, and a mark for settle', async () => {
    expect(await onBoth(transactions.settleWaits)).toEqual({
      COMMIT: ['COMMIT (idle)', true, 1],
      ROLLBACK: ['ROLLBACK (idle)', false, 0],
      settled: 'COMMIT (idle)',
      marked: 'SD001',
      after: 'ROLLBACK (idle)',
    });
  });

  it('refuse everything in a failed transaction, and answer its COMMIT with ROLLBACK', async () => {
    expect(await onBoth(transactions.failedTransaction)).toEqual({
      failed: 'BEGIN, INSERT 1, 23505, 25P02, 25P02, 25P02 (failed)',
      script: '25P02 (failed)',
      committed: 'ROLLBACK (idle)',
      rolledBack: 'BEGIN, 23505, ROLLBACK (idle)',
      rows: 0,
      slot: false,
      outside: 'COMMIT, ROLLBACK (idle)',
      inside: 'BEGIN, BEGIN, COMMIT (idle)',
      notices: [
        NO_TRANSACTION,
        'WARNING 25P01 UserAbortTransactionBlock',
        'WARNING 25001 BeginTransactionBlock',
      ],
    });
  });

  it('refuse writes, marks and settle on a standby, which tells what it is', async () => {
    expect(await onBoth(sessions.onStandby)).toEqual({
      written: 'INSERT 1 (idle)',
      insert: '25006 (idle)',
      mark: '25006 (idle)',
      settle: '25006 (failed)',
      after: 'ROLLBACK (idle)',
      inTransaction: 'BEGIN, 25006, 25P02, ROLLBACK (idle)',
      identity: [true, null, true],
      sameSystem: true,
      sameServer: false,
      askStandby: [[{ standby: true }], [{ standby: false }]],
    });
  });

  it('say where they stand, and how far they have replayed of which timeline', async () => {
    expect(await onBoth(sessions.positions)).toEqual({
      written: 'INSERT 1',
      rises: [true, true],
      timelines: [true, true, true],
      holds: [true, undefined, 1],
      follows: [true, true],
      ofPrimary: null,
      ofStandby: ['55000', '55000'],
      readByRead: 'BEGIN, SELECT, 25006, ROLLBACK (idle)',
    });
  });

  it('tell of notifications when they are committed, to whoever has listened before', async () => {
    expect(await onBoth(leases.notifications)).toEqual({
      listening: 'LISTEN (idle)',
      sent: 'BEGIN, SELECT, ROLLBACK, SELECT (idle)',
      open: 'BEGIN, SELECT (open)',
      before: ['alone'],
      inTransaction: 2,
      silent: 'UNLISTEN (idle)',
      heard: ['alone', 'committed', 'kept back'],
      onStandby: '25006, 25006 (idle)',
    });
  });

  it('keep an advisory lock for one session, until it gives it back or ends', async () => {
    expect(await onBoth(leases.advisoryLocks)).toEqual({
      taken: [true, false, true],
      waited: 'SET, 55P03, RESET (idle)',
      afterRollback: false,
      foreign: false,
      inherited: ['SELECT', true, false],
      afterCrash: true,
    });
  });

  it('give a cursor the rows of one moment', async () => {
    expect(await onBoth(leases.cursors)).toEqual({
      between: 'open',
      all: true,
      seen: ['82-a', '82-b', '82-c'],
      after: 'SELECT (idle)',
    });
  });

  it('answer when they are asked for a sign of life, in a failed transaction with an error', async () => {
    expect(await onBoth(leases.heartbeats)).toEqual([' (idle)', 'BEGIN, , 23505, 25P02, ROLLBACK (idle)']);
  });

  it('do the statements of a flush one by one, and those of a transaction together', async () => {
    expect(await onBoth(transactions.flushes)).toEqual({
      neighbours: ['INSERT 1', '23505', 'INSERT 1'],
      opened: ['BEGIN', 'INSERT 1', '23505', '25P02', 'ROLLBACK'],
      status: 'idle',
      rows: [1, 1, 0, 0],
    });
  });

  it('take a script as one transaction as far as it does not say otherwise', async () => {
    expect(await onBoth(transactions.scripts)).toEqual({
      failing: ['SD001 (idle)', false],
      rolledBack: ['SELECT BEGIN SELECT ROLLBACK (idle)', false],
      leftOpen: ['SELECT BEGIN (open)', 'ROLLBACK (idle)', false],
      committedBetween: ['SD001 (idle)', NO_TRANSACTION, true],
    });
  });

  it('let pass what is guarded on the right primary alone', async () => {
    expect(await onBoth(sessions.guards)).toEqual({
      alone: [{ concat: true }],
      right: 'BEGIN, SELECT, INSERT 1, COMMIT',
      newerServer: 'BEGIN, SELECT, INSERT 1, COMMIT',
      standby: NOT_GUARDED,
      standbyAnyTimeline: NOT_GUARDED,
      olderServer: NOT_GUARDED,
      otherSystem: NOT_GUARDED,
      outside: '22P02, INSERT 1 (idle)',
      rows: [1, 1, 0, 0, 0, 1],
    });
  });

  it('show a transaction to others when it has committed', async () => {
    expect(await onBoth(transactions.isolation)).toEqual({
      begun: 'BEGIN, INSERT 1, UPDATE 1, UPDATE 1 (open)',
      returned: [{ key: '14' }],
      inside: [2, 0],
      committed: 'COMMIT (idle)',
      waited: 'UPDATE 1',
      after: 2,
    });
  });

  it('end a deadlock at the cost of whoever has waited longest', async () => {
    expect(await onBoth(transactions.deadlock)).toEqual({
      said: ['40P01', 'UPDATE 1'],
      ends: ['ROLLBACK (idle)', 'COMMIT (idle)'],
    });
  });

  it('tell why a session is ended, and give back what it held', async () => {
    expect(await onBoth(sessions.endedSessions)).toEqual({
      waited: '57P01 sent',
      hygiene: 'SET, SET, SET, BEGIN, INSERT 1 (open)',
      lost: ['57P01', '57P01', '57P01', '25P03'],
      notices: [],
      released: 'COMMIT, UPDATE 1 (idle)',
      rows: 0,
    });
  });

  it('end a ghost where it sits in a transaction, and no other session', async () => {
    expect(await onBoth(sessions.ghosts)).toEqual({
      itself: true,
      idle: [false, []],
      active: [true, []],
      waited: 'UPDATE 1',
      idleInTransaction: [false, [], undefined],
      ended: [{ pg_terminate_backend: true }],
      lost: '57P01',
      afterwards: '57P01 unsent',
      gone: [false, []],
      failed: ['BEGIN, 23505 (failed)', false, [{ pg_terminate_backend: true }]],
      rows: 0,
    });
  });

  it('do what a client that has left had sent, unless its session is told to look', async () => {
    expect(await onBoth(sessions.leftAlone)).toEqual({
      unchecked: ['closed sent', true],
      checked: ['closed sent', false],
      frozen: ['closed sent', true, 1],
    });
  });

  it('are left through either wire in the same way', async () => {
    const given = ['closed unsent', 'closed sent', 0, 1];
    expect(await onBoth(sessions.closedWires)).toEqual({
      finish: [1, 'closed unsent', 'UPDATE 1', 0, 1],
      end: [1, ...given],
      destroy: [1, ...given],
      idle: ['closed', 'closed unsent'],
    });
  });

  it('keep a commit whose session is ended while it waits for the standby, and settle it once that is back', async () => {
    expect(await onBoth(failures.terminatedWait)).toEqual({
      isActive: true,
      ghost: [],
      before: 0,
      said: '57P01 sent',
      notices: [WAIT_TERMINATED],
      lost: '57P01',
      answeredBefore: false,
      answer: true,
    });
  });

  it('answer a commit whose wait is cancelled as done, with a warning', async () => {
    expect(await onBoth(failures.cancelledWait)).toEqual({
      single: ['INSERT 1', 'idle', [WAIT_CANCELLED]],
      script: ['SELECT COMMIT', 'idle', [WAIT_CANCELLED]],
      rows: [0, 1],
      settled: true,
      notices: [],
    });
  });

  it('tell an open session of a promotion with its next statement, and let it read on', async () => {
    expect(await onBoth(failures.promotionUnderSession)).toEqual({
      refused: '25006 (idle)',
      openRead: 'BEGIN, SELECT (open)',
      reportsBefore: [],
      read: 1,
      reportsAfter: ['off'],
      continued: [1, ['off'], 'open'],
      timelines: 0,
      // What began on a standby stays read-only.
      inOldTransaction: '25006, ROLLBACK (idle)',
      written: 'INSERT 1 (idle)',
      lost: undefined,
      freshReports: [],
    });
  });

  it('say no more of what they have replayed once they are promoted', async () => {
    expect(await onBoth(failures.positionsOfPromoted)).toEqual({
      timelines: [null, null, 1],
      frozen: [true, true, true],
      followed: [true, true],
    });
  });

  it('keep over a promotion what was acknowledged, and settle what was not', async () => {
    expect(await onBoth(failures.promotion)).toEqual({
      acknowledged: 'BEGIN, INSERT 1, SELECT, COMMIT (idle)',
      lost: 'closed sent',
      timelines: 1,
      sameSystem: true,
      sameServer: false,
      rows: [1, 0],
      settled: [true, false],
      again: 'BEGIN, SD001, ROLLBACK (idle)',
      oldPrimary: [true, 1, 0],
    });
  });

  it('lose in a crash what was not flushed, and nothing else', async () => {
    expect(await onBoth(failures.crashInPlace)).toEqual(CRASHED_IN_PLACE);
  });

  it('keep over a crash a commit that waited for its standby', async () => {
    expect(await onBoth(failures.crashOfWait)).toEqual({ said: '57P02 sent', row: 1, settled: true });
  });

  it('say goodbye in a shutdown and warn in a crash', async () => {
    expect(await onBoth(failures.shutdownNotices)).toEqual({
      fast: ['57P01', [], '57P01'],
      rows: 0,
      crash: ['57P02', [CRASH]],
      afterwards: '57P02 unsent',
    });
  });

  it('do not wait in a shutdown for a commit that waits for its standby', async () => {
    expect(await onBoth(failures.shutdownOfWait)).toEqual({
      said: '57P01 sent',
      notices: [WAIT_TERMINATED],
      idle: '57P01',
      together: true,
      row: 1,
      settled: true,
    });
  });
});

describe('with asynchronous replication, simulated and real servers alike', () => {
  beforeAll(async () => {
    synchronous = false;
    await startReal();
  });
  afterAll(() => real.stop());

  it('lose in a crash what was not flushed, and nothing else', async () => {
    expect(await onBoth(failures.crashInPlace)).toEqual(CRASHED_IN_PLACE);
  });

  it('throw the old branch away, although its position lies beyond the promoted one', async () => {
    expect(await onBoth(failures.divergedPrimary)).toEqual({
      extra: 'INSERT 1, INSERT 1, INSERT 1 (idle)',
      ahead: true,
      // The new primary gets to the position, and the rows are not there.
      beyond: [true, 0],
      oldPrimary: [true, 1, 0],
      written: '25006 (idle)',
    });
  });
});
