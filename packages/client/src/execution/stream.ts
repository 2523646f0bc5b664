/**
 * The rows of one statement, in portions, as fast as their reader takes them.
 *
 *   opening     no row has come: what broke is begun again on another connection, if the statement has no effect
 *   streaming   rows were handed out: whatever breaks now is the reader's, who alone knows what it has done with them
 *   ended       by its last row, by an error, or because the reader has left. The connection is free at once: it goes
 *               back, or is closed where the server is still at work for it
 */
import type { QueryResultRow } from 'pg';
import { ConnectionLostError } from '../errors/connection-errors.ts';
import { backoffMs } from '../policy/backoff.ts';
import { codeOf, mayBeForBeingStandby } from '../policy/classify.ts';
import type { FailureVerdict } from '../policy/classify.ts';
import { roleWanted } from '../policy/topology.ts';
import { Deadline } from '../runtime/deadline.ts';
import type { Statement, WireCursor } from '../wire/wire.ts';
import { WireLostError } from '../wire/wire.ts';
import { unconfirmedCommit, withConfirmation } from './commit.ts';
import type { Execution } from './execution.ts';
import { pause } from './execution.ts';
import { verdictOn } from './failure.ts';
import type { HeldConnection, HeldTraits } from './held-connection.ts';
import type { OpenLoan } from './lend.ts';

export interface StreamPlan {
  readonly statement: Statement;
  readonly isRead: boolean;
  /** What its text does, where that is known already. */
  readonly known?: HeldTraits;
  /** Rows in one portion. */
  readonly batchSize: number;
  /** For the first portion, all its attempts counted, and for each further one, in milliseconds. */
  readonly deadlineMs: number;
  readonly signals: readonly AbortSignal[];
  /** @param onPrimary - a standby has refused the statement. */
  readonly open: (onPrimary: boolean, deadlineMs: number) => Promise<OpenLoan>;
  /** A standby has refused the statement: it writes. */
  readonly onRefused: () => void;
}

const BACKOFF = { baseMs: 25, capMs: 1_000 };

export async function* streamRows<Row extends QueryResultRow>(
  plan: StreamPlan,
  execution: Execution,
): AsyncGenerator<Row, void, undefined> {
  for await (const rows of streamPortions<Row>(plan, execution)) {
    for (const row of rows) {
      if (plan.signals.some(({ aborted }) => aborted)) throw givenUp(plan, execution);
      yield row;
    }
  }
}

/** As {@link streamRows}, portion by portion; the last one may be empty. */
export async function* streamPortions<Row extends QueryResultRow>(
  plan: StreamPlan,
  execution: Execution,
): AsyncGenerator<Row[], void, undefined> {
  const { batchSize, deadlineMs, signals } = plan;
  const { loan, cursor, rows: first } = await openStream(plan, execution);
  let isOver = false;
  try {
    for (let rows = first; ;) {
      yield rows as Row[];
      if (rows.length < batchSize) break;
      const deadline = new Deadline(execution.clock, deadlineMs, signals);
      try {
        rows = await readPortion(loan.held, cursor, plan, deadline);
      } catch (error) {
        throw streamFailure(
          error,
          verdictOn(error, 'streaming', plan.isRead ? 'read' : 'effectful'),
          deadline,
        );
      } finally {
        deadline.done();
      }
    }
    isOver = true;
  } finally {
    await closeStream(loan, cursor, isOver);
  }
}

interface OpenStream {
  readonly loan: OpenLoan;
  readonly cursor: WireCursor;
  readonly rows: QueryResultRow[];
}

/** Up to the first portion. */
async function openStream(plan: StreamPlan, execution: Execution): Promise<OpenStream> {
  const { clock, random, events } = execution;
  const deadline = new Deadline(clock, plan.deadlineMs, plan.signals);
  const startedAt = clock.now();
  let onPrimary = false;
  try {
    for (let attempt = 1; ; attempt += 1) {
      const leftMs = Math.max(1, plan.deadlineMs - (clock.now() - startedAt));
      const loan = await plan.open(onPrimary, leftMs);
      await loan.held.learn(plan.statement.text, plan.known);
      const cursor = loan.held.wire.cursor(plan.statement);
      try {
        return { loan, cursor, rows: await readPortion(loan.held, cursor, plan, deadline) };
      } catch (error) {
        const refused = roleWanted(loan.held.endpoint) === 'standby' && mayBeForBeingStandby(codeOf(error));
        await closeStream(loan, cursor, false);
        const verdict = verdictOn(error, 'sent', plan.isRead ? 'read' : 'effectful');
        const mayFollow = refused || verdict.action === 'retry' || verdict.action === 'retry-elsewhere';
        if (deadline.over || !mayFollow || !(error instanceof Error))
          throw streamFailure(error, verdict, deadline);
        if (refused) plan.onRefused();
        // A conflict with recovery is not to be met again, nor a standby that is not fit.
        onPrimary ||= refused || !(error instanceof WireLostError);
        events.emit('attempt:failed', { operation: 'stream', attempt, reason: error.message });
        if (attempt > 1) await pause(backoffMs(attempt - 1, BACKOFF, random), clock, deadline);
      }
    }
  } finally {
    deadline.done();
  }
}

async function readPortion(
  held: HeldConnection,
  cursor: WireCursor,
  { batchSize, isRead }: StreamPlan,
  deadline: Deadline,
): Promise<QueryResultRow[]> {
  const stopWaiting = deadline.onOver(() => held.end(new Error('the caller stopped waiting')));
  try {
    const { answer, unconfirmed } = await withConfirmation(held.wire, () => cursor.read(batchSize));
    if (unconfirmed && !isRead) throw unconfirmedCommit();
    return answer;
  } finally {
    stopWaiting();
  }
}

function givenUp({ signals }: StreamPlan, { clock }: Execution): Error {
  const deadline = new Deadline(clock, Infinity, signals);
  return deadline.error('rows were being read', 'not-executed');
}

export function streamFailure(error: unknown, { outcome }: FailureVerdict, deadline: Deadline): unknown {
  if (!(error instanceof WireLostError)) return error;
  if (deadline.over) return deadline.error('rows were being read', outcome, error);
  return new ConnectionLostError(`a stream broke: ${error.message}`, outcome, { cause: error });
}

/** Frees the connection: by a round trip where rows are left, at once where the server is still at work. */
async function closeStream(loan: OpenLoan, cursor: WireCursor, isOver: boolean): Promise<void> {
  const { held } = loan;
  try {
    if (!isOver && held.wire.lostBecause === undefined) {
      if (held.wire.unanswered > 0) held.end(new Error('the reader of its rows has left'));
      else await cursor.close();
    }
  } catch {
    // Lost meanwhile: it is not lent again.
  } finally {
    // Where a signal has ended it, whoever reads on is told so.
    await loan.end().catch(() => {});
  }
}
