/**
 * An advisory lock of the session, held while a callback runs (PostgreSQL manual, "Advisory Locks"). The server gives it
 * away when the session ends, so whoever holds one must know at once when the connection is lost.
 */
import { createHash } from 'node:crypto';
import { AdvisoryLockBusyError } from '../errors/call-errors.ts';
import { ConnectionLostError } from '../errors/connection-errors.ts';
import { codeOf } from '../policy/classify.ts';
import { Deadline } from '../runtime/deadline.ts';
import { LOCK, RESET_LOCK_TIMEOUT, TRY_LOCK, UNLOCK, lockTimeoutText } from '../wire/sql.ts';
import type { Wire } from '../wire/wire.ts';
import { WireLostError } from '../wire/wire.ts';
import type { Execution } from './execution.ts';
import type { HeldConnection } from './held-connection.ts';

export interface LockPlan {
  /** As it is shown in errors. */
  readonly name: string;
  readonly key: bigint;
  /** How long to wait for whoever holds it, in milliseconds; 0: not at all. */
  readonly waitMs: number;
  /** From now, in milliseconds. */
  readonly deadlineMs: number;
  readonly signals: readonly AbortSignal[];
}

/** Of a text: the first 8 bytes of its SHA-256 in UTF-8, as a signed number, the highest byte first. */
export function lockKeyOf(key: bigint | string): bigint {
  return typeof key === 'bigint' ? key : createHash('sha256').update(key).digest().readBigInt64BE();
}

/**
 * Locks, runs `use`, unlocks. That the server still knew the lock when it was given back is the proof that nobody else
 * had it in between.
 *
 * @throws AdvisoryLockBusyError where somebody else holds it; ConnectionLostError where it was lost meanwhile, even if
 * `use` went well; what `use` throws.
 */
export async function holdLock<T>(
  held: HeldConnection,
  plan: LockPlan,
  { clock }: Pick<Execution, 'clock'>,
  use: () => Promise<T>,
): Promise<T> {
  // On the new primary others may have it at once: no answer of the old one is worth waiting for. The reason is none for
  // taking what was sent as not executed.
  held.onRetired(({ message }) => held.end(new Error(message)));
  const deadline = new Deadline(clock, plan.deadlineMs, plan.signals);
  const stopWaiting = deadline.onOver(() => held.end(new Error('the caller stopped waiting')));
  try {
    if (!(await lock(held.wire, plan))) throw busy(plan);
  } catch (error) {
    if (!(error instanceof WireLostError)) throw error;
    if (deadline.over)
      throw deadline.error(`waiting for the advisory lock ${plan.name}`, 'not-executed', error);
    throw new ConnectionLostError(
      `the connection was lost while waiting for the advisory lock ${plan.name}`,
      'not-executed',
      { cause: error },
    );
  } finally {
    stopWaiting();
    deadline.done();
  }
  let value: T;
  try {
    value = await use();
  } catch (error) {
    await unlock(held, plan);
    throw error;
  }
  if (!(await unlock(held, plan))) throw lost(held, plan);
  return value;
}

async function lock(wire: Wire, { key, waitMs }: LockPlan): Promise<boolean> {
  const values = [key];
  if (waitMs === 0) {
    const { rows } = await wire.query({ text: TRY_LOCK, values });
    return (rows[0] as { locked: boolean }).locked;
  }
  // The server itself gives up waiting: a cancel from here could come when the lock is ours already.
  const [set, locked] = await wire.flush([
    { text: lockTimeoutText(waitMs) },
    { text: LOCK, values },
    { text: RESET_LOCK_TIMEOUT },
  ]);
  if (set?.status === 'rejected') throw set.reason;
  if (locked?.status !== 'rejected') return true;
  // lock_not_available
  if (codeOf(locked.reason) === '55P03') return false;
  throw locked.reason;
}

/** @returns whether it was held until now. */
async function unlock(held: HeldConnection, { key }: LockPlan): Promise<boolean> {
  const { wire } = held;
  try {
    if (wire.transactionStatus !== 'idle') await wire.query({ text: 'ROLLBACK' });
    const { rows } = await wire.query({ text: UNLOCK, values: [key] });
    const { unlocked } = rows[0] as { unlocked: boolean };
    if (!unlocked) held.end(new Error('the callback itself gave its lock away'));
    return unlocked;
  } catch (error) {
    held.end(error instanceof Error ? error : new Error('it could not be unlocked'));
    return false;
  }
}

function busy({ name, waitMs }: LockPlan): AdvisoryLockBusyError {
  const waited = waitMs === 0 ? '' : `, after waiting ${Math.round(waitMs)} ms`;
  return new AdvisoryLockBusyError(`the advisory lock ${name} is held by somebody else${waited}`);
}

function lost({ wire }: HeldConnection, { name }: LockPlan): ConnectionLostError {
  const cause = wire.lostBecause;
  return new ConnectionLostError(
    `the advisory lock ${name} was lost while its callback ran: ${cause?.message ?? 'unknown'}`,
    'unknown',
    { cause },
  );
}
