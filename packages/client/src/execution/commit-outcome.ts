/**
 * What became of a COMMIT whose answer was lost.
 *
 * Transaction ids can't tell: one that was not flushed is handed out again after a crash or a failover. So each
 * attempt carries a mark of ours, and `schooldb.settle` asks for it on the primary of the moment:
 *
 *   true    it committed, and, since the question is itself a synchronous commit behind it, it is replicated
 *   false   it did not, and never will: the fence stops a COMMIT that is still under way somewhere
 *   silence ask again, until the deadline; then nobody knows, and the caller is told so
 */
import type { QueryResult } from 'pg';
import { CommitOutcomeUnknownError, CommitUnconfirmedError } from '../errors/commit-errors.ts';
import type { CommitMark } from './commit-slots.ts';
import { SchoolDbError } from '../errors/base.ts';
import { ClientClosedError } from '../errors/call-errors.ts';
import type { Connection } from '../endpoint/connection.ts';
import type { Lease } from '../endpoint/lease.ts';
import { backoffMs } from '../policy/backoff.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Deadline } from '../runtime/deadline.ts';
import { settleText } from '../wire/sql.ts';
import { withConfirmation } from './commit.ts';
import type { Execution } from './execution.ts';
import { pause } from './execution.ts';
import type { UnknownCommit } from './settle-token.ts';
import { settleTokenOf } from './settle-token.ts';

/** Why there are no commit slots. */
export const SCHEMA_MISSING =
  "the schema 'schooldb' is not installed in this database, or not granted to this role";

const BACKOFF = { baseMs: 25, capMs: 500 };

/**
 * @param cause - what left the outcome unknown; undefined where it is asked about later.
 * @returns whether the attempt committed. A 'no' is final.
 * @throws CommitOutcomeUnknownError when there was no answer by the deadline, or can be none.
 */
export async function settle(
  execution: Execution,
  commit: UnknownCommit,
  deadline: Deadline,
  cause?: Error,
): Promise<boolean> {
  for (let attempt = 1; !deadline.over; attempt += 1) {
    const lease = await urgentLease(execution, deadline);
    if (lease === 'closed') break;
    if (lease === undefined) {
      await pause(backoffMs(attempt, BACKOFF, execution.random), execution.clock, deadline);
      continue;
    }
    const why = whyNotAsked(lease.connection, commit, execution.clock);
    if (why !== undefined) {
      lease.release();
      throw unknownOutcome(why, commit, cause);
    }
    const committed = await ask(lease, commit.mark, deadline);
    if (committed !== undefined) {
      execution.events.emit('outcome:settled', { committed });
      return committed;
    }
    await pause(backoffMs(attempt, BACKOFF, execution.random), execution.clock, deadline);
  }
  // That it is committed on the primary, if nowhere else, says more than that nobody answered.
  if (cause instanceof CommitUnconfirmedError) throw cause;
  throw unknownOutcome('no primary could be asked before the deadline', commit, cause);
}

/** Slots are swept after a day (schooldb.sql): a missing one then says nothing. An hour is for clocks that differ. */
const ASKED_FOR_S = 23 * 3_600;

function whyNotAsked(
  connection: Connection,
  { systemId, at }: UnknownCommit,
  clock: Clock,
): string | undefined {
  if (connection.identity.systemId !== systemId)
    return 'the address leads to another cluster now, which can not know';
  if (!connection.hasCommitSlots) return `${SCHEMA_MISSING} any more`;
  return serverTime(connection, clock) - at > ASKED_FOR_S
    ? 'commit slots are kept for a day only'
    : undefined;
}

/** What the server's clock says, in seconds since 1970. */
export function serverTime({ serverEpoch }: Connection, clock: Clock): number {
  return serverEpoch + clock.now() / 1_000;
}

/** The error for a commit whose outcome nobody could tell. */
export function unknownOutcome(
  why: string,
  commit: UnknownCommit | undefined,
  cause: Error | undefined,
): CommitOutcomeUnknownError {
  return new CommitOutcomeUnknownError(
    `the connection was lost after the statement was sent, and its outcome is unknown: ${why}`,
    commit === undefined ? undefined : settleTokenOf(commit),
    cause === undefined ? undefined : { cause },
  );
}

/** @returns undefined where there was none this time. */
async function urgentLease(execution: Execution, deadline: Deadline): Promise<Lease | undefined | 'closed'> {
  try {
    return await execution.endpoints.master.acquire(deadline, { urgent: true });
  } catch (error) {
    // Refused or over: the outcome stays unknown meanwhile, which weighs more than the reason.
    if (error instanceof ClientClosedError) return 'closed';
    if (error instanceof SchoolDbError) return undefined;
    throw error;
  }
}

/** @returns undefined where there was no answer that counts. */
async function ask(lease: Lease, mark: CommitMark, deadline: Deadline): Promise<boolean | undefined> {
  const { wire } = lease.connection;
  const stopWaiting = deadline.onOver(() => wire.destroy(new Error('the caller stopped waiting')));
  try {
    const { answer, unconfirmed } = await withConfirmation(wire, () =>
      wire.script(settleText(mark.slot, mark.seq)),
    );
    const committed = (answer[2] as QueryResult<{ committed: boolean }> | undefined)?.rows[0]?.committed;
    return unconfirmed || answer[3]?.command !== 'COMMIT' ? undefined : committed;
  } catch {
    return undefined;
  } finally {
    stopWaiting();
    lease.release();
  }
}
