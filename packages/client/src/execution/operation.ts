import type { Connection } from '../endpoint/connection.ts';
import type { Lease } from '../endpoint/lease.ts';
import { leaveIfRetired } from '../endpoint/lease.ts';
import { SchoolDbError } from '../errors/base.ts';
import { backoffMs } from '../policy/backoff.ts';
import { Deadline } from '../runtime/deadline.ts';
import type { AttemptEnd } from './attempt.ts';
import { settle, unknownOutcome } from './commit-outcome.ts';
import type { Execution } from './execution.ts';
import { pause } from './execution.ts';
import { endGhost } from './ghost.ts';

/** Gets the connection for one attempt. `attempt` counts from 1. */
export type Route = (deadline: Deadline, attempt: number) => Promise<Lease>;

export interface Operation<T> {
  /** For events and errors: what it is, without any of its values. */
  readonly name: string;
  readonly route: Route;
  readonly deadlineMs: number;
  /** Ways to give up before the deadline. */
  readonly signals: readonly AbortSignal[];
  /** Makes one attempt on a connection that it need not give back. Throws what is to reach the caller. */
  readonly attempt: (lease: Lease, deadline: Deadline) => Promise<AttemptEnd<T>>;
}

const BACKOFF = { baseMs: 25, capMs: 1_000 };

/**
 * One call of the app, from its first attempt to its answer: by its deadline there is a result or a typed error.
 * Waiting for a connection is no attempt, and the first repetition needs no pause: the connection it gets is new.
 */
export async function operate<T>(execution: Execution, operation: Operation<T>): Promise<T> {
  const deadline = new Deadline(execution.clock, operation.deadlineMs, operation.signals);
  let mayHaveHappened = false;
  try {
    let ghost: Connection | undefined;
    for (let attempt = 1; ; attempt += 1) {
      const lease = await operation.route(deadline, attempt);
      const end = await attemptOn(lease, ghost, deadline, operation);
      if (end.state === 'done') return end.value;
      // The lease went back first: this needs a connection, and those who ask may have held all of them.
      if (end.state === 'unsettled') {
        const { systemId } = lease.connection.identity;
        if (await settle(execution, end.token, systemId, deadline, end.cause)) return end.value;
      } else mayHaveHappened ||= end.mayHaveHappened === true;
      ghost = lease.connection.wire.lostBecause === undefined ? undefined : lease.connection;
      const reason = end.cause.message;
      execution.events.emit('attempt:failed', { operation: operation.name, attempt, reason });
      if (attempt > 1)
        await pause(backoffMs(attempt - 1, BACKOFF, execution.random), execution.clock, deadline);
      if (deadline.over) throw deadline.error(`repeating a ${operation.name}`, 'not-executed', end.cause);
    }
  } catch (error) {
    throw mayHaveHappened ? inDoubt(error) : error;
  } finally {
    deadline.done();
  }
}

/** What ended the operation did nothing; an earlier attempt may have. */
function inDoubt(error: unknown): unknown {
  if (!(error instanceof SchoolDbError) || error.outcome === 'unknown') return error;
  return unknownOutcome(`it could not be repeated: ${error.message}`, undefined, error);
}

async function attemptOn<T>(
  lease: Lease,
  ghost: Connection | undefined,
  deadline: Deadline,
  operation: Operation<T>,
): Promise<AttemptEnd<T>> {
  const { wire } = lease.connection;
  // Closing the socket is the only way to take a statement back from a server that may not be listening.
  const stopWaiting = deadline.onOver(() => wire.destroy(new Error('the caller stopped waiting')));
  try {
    if (ghost !== undefined) await endGhost(ghost, lease.connection);
    leaveIfRetired(lease);
    return await operation.attempt(lease, deadline);
  } finally {
    stopWaiting();
    lease.release();
  }
}
