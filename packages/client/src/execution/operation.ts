import type { Connection } from '../endpoint/connection.ts';
import type { EndpointLease } from '../endpoint/lease.ts';
import { SchoolDbError } from '../errors/base.ts';
import { ConnectionLostError, UnsuitableServerError } from '../errors/connection-errors.ts';
import { backoffMs } from '../policy/backoff.ts';
import { Deadline } from '../runtime/deadline.ts';
import { attemptChannel, leaseChannel, operationChannel, traced } from '../runtime/diagnostics.ts';
import type { AttemptTrace, LeaseTrace } from '../runtime/diagnostics.ts';
import { WireLostError } from '../wire/wire.ts';
import type { AttemptEnd, Needs } from './attempt.ts';
import { serverTime, settle, unknownOutcome } from './commit-outcome.ts';
import type { Execution } from './execution.ts';
import { pause } from './execution.ts';
import { endGhost } from './ghost.ts';

/** What the next attempt is to be made on. */
export interface AttemptPlan {
  /** Counted from 1. */
  readonly attempt: number;
  /** What earlier attempts have found out. */
  readonly needs: ReadonlySet<Needs>;
}

/** Gets the connection for one attempt. */
export type Route = (deadline: Deadline, plan: AttemptPlan) => Promise<EndpointLease>;

export interface Operation<T> {
  /** For events and errors: what it is, without any of its values. */
  readonly name: string;
  readonly route: Route;
  /** Whether it needs a session of its own: no pooler. */
  readonly direct?: boolean | undefined;
  readonly deadlineMs: number;
  /** Ways to give up before the deadline. */
  readonly signals: readonly AbortSignal[];
  /** Called when a COMMIT whose answer was lost turns out to be done. */
  readonly onSettled?: (() => void) | undefined;
  /** Makes one attempt on a connection that it need not give back. Throws what is to reach the caller. */
  readonly attempt: (lease: EndpointLease, deadline: Deadline, plan: AttemptPlan) => Promise<AttemptEnd<T>>;
}

const BACKOFF = { baseMs: 25, capMs: 1_000 };

/**
 * One call of the app, from its first attempt to its answer: by its deadline there is a result or a typed error.
 * Waiting for a connection is no attempt, and the first repetition needs no pause: the connection it gets is new.
 */
export function operate<T>(execution: Execution, operation: Operation<T>): Promise<T> {
  const { name, deadlineMs } = operation;
  return traced(operationChannel, { operation: name, deadlineMs }, () => run(execution, operation));
}

async function run<T>(execution: Execution, operation: Operation<T>): Promise<T> {
  const deadline = new Deadline(execution.clock, operation.deadlineMs, operation.signals);
  const needs = new Set<Needs>(operation.direct === true ? ['direct'] : []);
  let mayHaveHappened = false;
  try {
    let ghost: Connection | undefined;
    let failed = 0;
    for (let attempt = 1; ; attempt += 1) {
      const plan = { attempt, needs };
      const lease = await leaseFor(deadline, plan, operation);
      const end = await tracedAttempt(lease, plan, operation, () =>
        attemptOn(lease, ghost, deadline, plan, operation, execution),
      );
      if (end.state === 'done') return succeeded(end.value, execution);
      if (end.state === 'behind') {
        needs.add('fresh');
        continue;
      }
      // The lease went back first: this needs a connection, and those who ask may have held all of them.
      if (end.state === 'unsettled') {
        const { connection } = lease;
        const { systemId } = connection.identity;
        const at = serverTime(connection, execution.clock);
        const commit = { mark: end.mark, systemId, database: execution.database, at };
        if (await settle(execution, commit, deadline, end.cause)) {
          operation.onSettled?.();
          return succeeded(end.value, execution);
        }
      } else {
        if (end.needs !== undefined) needs.add(end.needs);
        mayHaveHappened ||= end.mayHaveHappened === true;
      }
      if (end.last === true) throw notRepeated(end.cause);
      ghost = lease.connection.wire.lostBecause === undefined ? undefined : lease.connection;
      const reason = end.cause.message;
      execution.events.emit('attempt:failed', { operation: operation.name, attempt, reason });
      failed += 1;
      await untilNextAttempt(failed, deadline, execution);
      if (deadline.over) throw deadline.error(`repeating a ${operation.name}`, 'not-executed', end.cause);
    }
  } catch (error) {
    throw mayHaveHappened ? inDoubt(error) : error;
  } finally {
    deadline.done();
  }
}

/** What the caller of an operation that is not to be repeated gets: an SQL error as it is. */
function notRepeated(cause: Error): Error {
  if (!(cause instanceof WireLostError)) return cause;
  return new ConnectionLostError('the connection was lost, and nothing was committed', 'not-executed', {
    cause,
  });
}

/** What ended the operation did nothing; an earlier attempt may have. */
function inDoubt(error: unknown): unknown {
  if (!(error instanceof SchoolDbError) || error.outcome === 'unknown') return error;
  return unknownOutcome(`it could not be repeated: ${error.message}`, undefined, error);
}

function leaseFor<T>(
  deadline: Deadline,
  plan: AttemptPlan,
  { name, route }: Operation<T>,
): Promise<EndpointLease> {
  const trace: LeaseTrace = { operation: name, attempt: plan.attempt };
  return traced(leaseChannel, trace, async () => {
    const lease = await route(deadline, plan);
    trace.endpoint = lease.endpoint;
    return lease;
  });
}

function tracedAttempt<T>(
  { endpoint }: EndpointLease,
  { attempt }: AttemptPlan,
  { name }: Operation<T>,
  work: () => Promise<AttemptEnd<T>>,
): Promise<AttemptEnd<T>> {
  const trace: AttemptTrace = { operation: name, attempt, endpoint };
  return traced(attemptChannel, trace, async () => {
    const end = await work();
    trace.state = end.state;
    return end;
  });
}

function succeeded<T>(value: T, { budget }: Execution): T {
  budget.succeeded();
  return value;
}

/** The backoff, and then the client's budget for repetitions. */
async function untilNextAttempt(failed: number, deadline: Deadline, execution: Execution): Promise<void> {
  const { budget, clock, random } = execution;
  if (failed > 1) await pause(backoffMs(failed - 1, BACKOFF, random), clock, deadline);
  for (;;) {
    const waitMs = deadline.over ? 0 : budget.spend(failed + 1, clock.now());
    if (waitMs === 0) return;
    await pause(waitMs, clock, deadline);
  }
}

async function attemptOn<T>(
  lease: EndpointLease,
  ghost: Connection | undefined,
  deadline: Deadline,
  plan: AttemptPlan,
  operation: Operation<T>,
  execution: Execution,
): Promise<AttemptEnd<T>> {
  const { wire } = lease.connection;
  // Closing the socket is the only way to take a statement back from a server that may not be listening.
  const stopWaiting = deadline.onOver(() => wire.destroy(new Error('the caller stopped waiting')));
  try {
    if (ghost !== undefined) await endGhost(ghost, lease.connection);
    return await operation.attempt(lease, deadline, plan);
  } finally {
    stopWaiting();
    const { lostBecause } = wire;
    // What we closed ourselves says nothing about the endpoint.
    const ownDoing = deadline.over || lostBecause instanceof UnsuitableServerError;
    execution.breakers.record(lease.endpoint, ownDoing ? undefined : lostBecause);
    lease.release();
  }
}
