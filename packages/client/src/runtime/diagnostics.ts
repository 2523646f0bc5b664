/**
 * What the client does, on `node:diagnostics_channel`, for tracing and metrics. A tracing channel NAME has the
 * channels `tracing:NAME:start`, `:end`, `:asyncStart`, `:asyncEnd` and `:error` (Node.js manual, "Diagnostics
 * Channel"). Nothing is made or measured where nobody listens. No message holds a statement, a value
 * or a secret, except that those of `:error` hold the error as the caller gets it: PostgreSQL may quote values in it.
 *
 * As everywhere in Node, a subscriber that throws ends the process; for listeners that can't, see `db.on()`.
 */
import { channel, tracingChannel } from 'node:diagnostics_channel';
import type { TracingChannel } from 'node:diagnostics_channel';

/** `schooldb:operation`: one call of the app, from its beginning to its answer. */
export interface OperationTrace {
  /** `query`, `read`, `write` or `transaction`. */
  readonly operation: string;
  readonly deadlineMs: number;
}

/** `schooldb:attempt`: one try of an operation, on one connection. */
export interface AttemptTrace {
  readonly operation: string;
  /** Counted from 1. */
  readonly attempt: number;
  readonly endpoint: string;
  /** How it ended; undefined until it has, and where it ended with an error. */
  state?: 'done' | 'again' | 'behind' | 'unsettled';
}

/** `schooldb:lease`: from asking for a connection to having one. */
export interface LeaseTrace {
  readonly operation: string;
  readonly attempt: number;
  /** Who gave it; undefined until then. */
  endpoint?: string;
}

/** `schooldb:failover`: from the moment when no primary could be reached to the moment when one could be. */
export interface FailoverTrace {
  readonly address: string;
  readonly reason: string;
}

export const operationChannel = tracingChannel<OperationTrace, OperationTrace>('schooldb:operation');
export const attemptChannel = tracingChannel<AttemptTrace, AttemptTrace>('schooldb:attempt');
export const leaseChannel = tracingChannel<LeaseTrace, LeaseTrace>('schooldb:lease');
export const failoverChannel = tracingChannel<FailoverTrace, FailoverTrace>('schooldb:failover');

/** Runs `work` and tells the channel of it, where somebody listens. What `work` returns is nobody else's business. */
export async function traced<Context extends object, T>(
  tracing: TracingChannel<Context, Context>,
  context: Context,
  work: () => Promise<T>,
): Promise<T> {
  if (!tracing.hasSubscribers) return work();
  let kept: { readonly value: T } | undefined;
  await tracing.tracePromise(async () => void (kept = { value: await work() }), context);
  return (kept as unknown as { readonly value: T }).value;
}

/** Tells the channel `schooldb:event` what `db.on()` tells. */
export function publishEvent(name: PropertyKey, payload: unknown): void {
  if (eventChannel.hasSubscribers) eventChannel.publish({ name, payload });
}

const eventChannel = channel('schooldb:event');
