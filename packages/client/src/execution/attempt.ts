import type { CommitMark } from './commit-slots.ts';
import { UnsuitableServerError } from '../errors/connection-errors.ts';
import { askRole } from '../endpoint/ask-role.ts';
import type { EndpointLease } from '../endpoint/lease.ts';
import { codeOf, mayBeForBeingStandby } from '../policy/classify.ts';
import type { FailureVerdict } from '../policy/classify.ts';
import { roleWanted } from '../policy/topology.ts';
import type { Clock } from '../runtime/clock.ts';

/** What an attempt has found out about the connection that the next one needs. */
export type Needs =
  /** A standby refused it: it writes. */
  | 'primary'
  /** It needs a session of its own: no pooler. */
  | 'direct'
  /** It must see more than a replica holds. */
  | 'fresh';

/** How one attempt ended, where it did not end the operation with an error. */
export type AttemptEnd<T> =
  | { readonly state: 'done'; readonly value: T }
  /** Proven not executed, or harmless to repeat, and worth another attempt. */
  | {
      readonly state: 'again';
      readonly cause: Error;
      readonly needs?: Needs;
      /** An idempotent statement was lost under way: if the operation ends without another try, nobody knows. */
      readonly mayHaveHappened?: boolean;
      /** The caller wants no other attempt. */
      readonly last?: boolean;
    }
  /** Nothing failed: the replica does not hold what must be seen, so another attempt is made, on the primary. */
  | { readonly state: 'behind'; readonly cause: Error }
  /** COMMIT was sent, its answer is missing, and its mark can be asked for. `value` is the result if it committed. */
  | {
      readonly state: 'unsettled';
      readonly mark: CommitMark;
      readonly value: T;
      readonly cause: Error;
      /** The caller wants no other attempt, should it not have committed. */
      readonly last?: boolean;
    };

/**
 * What follows from a failure after which nothing is executed and no transaction is open.
 *
 * @throws the error, where it is the caller's.
 */
export async function againOrThrow(
  error: unknown,
  { action, outcome }: FailureVerdict,
  lease: EndpointLease,
  clock: Clock,
): Promise<AttemptEnd<never>> {
  if (!(error instanceof Error)) throw error;
  const onStandby = roleWanted(lease.endpoint) === 'standby';
  if (onStandby && mayBeForBeingStandby(codeOf(error)))
    return { state: 'again', cause: error, needs: 'primary' };
  if (action === 'pass') throw error;
  // A connection that was ended because its server was replaced can't be asked, and need not be.
  if (action !== 'retry-elsewhere' || lease.connection.wire.lostBecause !== undefined)
    return { state: 'again', cause: error, mayHaveHappened: outcome === 'unknown' };
  // A read-only transaction on the primary says the same, and then it is the app's own.
  const { connection } = lease;
  const role = connection.pooled ? 'primary' : await askRole(connection.wire, clock);
  if (role === 'primary') throw error;
  if (role === 'standby') lease.condemn(wrongServer(lease));
  return { state: 'again', cause: error };
}

export function wrongServer(lease: EndpointLease): UnsuitableServerError {
  return new UnsuitableServerError(
    `${lease.endpoint}: the server behind it is not the primary any more, or one of an older timeline`,
  );
}
