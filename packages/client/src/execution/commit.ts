import type { QueryResult } from 'pg';
import { CommitUnconfirmedError, TransactionRolledBackError } from '../errors/commit-errors.ts';
import type { CommitMark } from './commit-slots.ts';
import { codeOf } from '../policy/classify.ts';
import { markAndCommitText } from '../wire/sql.ts';
import type { Wire } from '../wire/wire.ts';
import type { PositionQuestion } from './causality.ts';
import { verdictOn } from './failure.ts';

/** What is known of a COMMIT. */
export type CommitEnd =
  | { readonly state: 'committed' }
  /** Proven: it did not commit. */
  | { readonly state: 'failed'; readonly error: unknown }
  /** It was sent, and its answer is missing or promises too little. */
  | { readonly state: 'unknown'; readonly error: Error }
  /** As unknown, and no mark can tell. */
  | { readonly state: 'unmarked'; readonly error: Error };

/**
 * Ends an open transaction. The mark travels in the same message as COMMIT, and the question where the server stands
 * then in the same packet: neither costs a round trip.
 */
export async function commit(
  wire: Wire,
  mark: CommitMark | undefined,
  position: PositionQuestion,
): Promise<CommitEnd> {
  const text = mark === undefined ? 'COMMIT' : markAndCommitText(mark.slot, mark.seq);
  const { answer: answers, unconfirmed } = await withConfirmation(wire, async () => {
    // Not in the message itself: its failure would be taken for that of the COMMIT.
    const committing = wire.script(text);
    const asked = position.statements.map((statement) => wire.query(statement));
    return Promise.all([settled(committing), Promise.allSettled(asked)]);
  });
  const [[answer], [where]] = answers;
  const end =
    answer.status === 'fulfilled'
      ? judge(answer.value.at(-1), unconfirmed)
      : judgeCommitFailure(answer.reason);
  // A mark that was refused leaves the transaction open and failed.
  if (end.state === 'failed' && answer.status === 'rejected') await rollBack(wire);
  if (end.state === 'committed') position.answered(where);
  return end;
}

/** Ends an open transaction without effect. Where even this fails the connection is unfit, and closed afterwards. */
export async function rollBack(wire: Wire): Promise<void> {
  if (wire.lostBecause === undefined) await settled(wire.query({ text: 'ROLLBACK' }));
}

/** What an answer to COMMIT means: of a transaction that had failed it is positive too, with the tag ROLLBACK. */
export function judge(result: QueryResult | undefined, unconfirmed: boolean): CommitEnd {
  if (result?.command !== 'COMMIT') return { state: 'failed', error: rolledBack() };
  if (!unconfirmed) return { state: 'committed' };
  return { state: 'unknown', error: unconfirmedCommit() };
}

export function unconfirmedCommit(): CommitUnconfirmedError {
  return new CommitUnconfirmedError(
    'committed on the primary, but its wait for the synchronous standby was given up: a failover may lose it',
  );
}

/** What it means that COMMIT was not answered, or refused. */
export function judgeCommitFailure(error: unknown): CommitEnd {
  const { outcome } = verdictOn(error, 'committing', 'effectful');
  if (outcome === 'unknown' && error instanceof Error) return { state: 'unknown', error };
  // in_failed_sql_transaction: the mark met a transaction in which a statement had failed
  return { state: 'failed', error: codeOf(error) === '25P02' ? rolledBack() : error };
}

/**
 * Runs what ends with a COMMIT and tells whether the server gave up waiting for its synchronous standby. It says so
 * with a warning only (syncrep.c); the function's name identifies it in every language of the messages, and apart
 * from a warning that the app's own code raised.
 */
export async function withConfirmation<T>(
  wire: Wire,
  run: () => Promise<T>,
): Promise<{ readonly answer: T; readonly unconfirmed: boolean }> {
  let unconfirmed = false;
  const stopListening = wire.onNotice((notice) => {
    if (notice.routine === 'SyncRepWaitForLSN') unconfirmed = true;
  });
  try {
    const answer = await run();
    return { answer, unconfirmed };
  } finally {
    stopListening();
  }
}

function settled<T>(promise: Promise<T>): Promise<[PromiseSettledResult<T>]> {
  return Promise.allSettled([promise]);
}

function rolledBack(): TransactionRolledBackError {
  return new TransactionRolledBackError(
    'the transaction was rolled back: one of its statements had failed, and the callback went on as if it had not',
  );
}
