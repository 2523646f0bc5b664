import { InvalidOptionsError } from '../errors/option-errors.ts';
import type { StatementSafety } from '../policy/classify.ts';
import type { TransactionMode } from '../wire/sql.ts';
import {
  checkBoolean,
  checkInteger,
  checkKeys,
  checkObject,
  checkOneOf,
  checkText,
} from './option-checks.ts';

/** What every operation takes. */
export interface CallOptions {
  /** How long it may take in all, in milliseconds. Integer from 1 to 3600000. @defaultValue the client's */
  readonly deadlineMs?: number;
  /** Gives the operation up when aborted: it then ends with {@link OperationAbortedError}. */
  readonly signal?: AbortSignal;
}

export interface StatementOptions extends CallOptions {
  /**
   * What doing it twice would mean. `read` and `idempotent` statements are repeated when a connection breaks under
   * them, others are not. @defaultValue 'effectful'
   */
  readonly safety?: StatementSafety;
  /**
   * Finds out what became of the statement when the connection breaks, and repeats it only if it did not happen. Runs
   * it in a transaction of its own. Needs the schema `schooldb`. @defaultValue false
   */
  readonly exactlyOnce?: boolean;
}

export interface StreamOptions extends CallOptions {
  /** Rows that are fetched and kept at a time. Integer from 1 to 100000. @defaultValue 100 */
  readonly batchSize?: number;
  /**
   * How long the first portion of rows may take in all (waiting, connecting, repetitions), and each further one. The time
   * that the reader takes does not count. @defaultValue the client's
   */
  readonly deadlineMs?: number;
}

export interface AdvisoryLockOptions extends CallOptions {
  /**
   * What to do while somebody else holds the lock: `true`, wait until the deadline; a number, wait for so many
   * milliseconds, from 1 to 3600000; `false`, give up at once. @defaultValue true
   */
  readonly wait?: boolean | number;
}

export interface CopyFromOptions extends CallOptions {
  /** As of a transaction. @defaultValue wherever the schema is installed */
  readonly exactlyOnce?: boolean;
}

export interface CopyToOptions extends CallOptions {
  /** Where to read: a `'replica'`, which may lag behind, where one can be had. @defaultValue 'master' */
  readonly kind?: 'master' | 'replica';
  /** For the connection, and then for each piece. The reader's own time does not count. @defaultValue the client's */
  readonly deadlineMs?: number;
}

export interface TransactionOptions extends CallOptions {
  /**
   * Finds out what became of a COMMIT whose answer was lost. `true` refuses to run where the schema `schooldb` is
   * missing; `false` never asks. @defaultValue wherever the schema is installed
   */
  readonly exactlyOnce?: boolean;
  /** PostgreSQL manual, "Transaction Isolation". @defaultValue as the server is set: `read committed` by default */
  readonly isolation?: TransactionMode['isolation'];
  /**
   * `read only`: the server refuses whatever writes. Such a transaction runs on a replica where there is one that may
   * serve the caller's reads (see the option `consistency`), except with the isolation `serializable`, which a
   * standby does not have. @defaultValue as the server is set: `read write` by default
   */
  readonly access?: TransactionMode['access'];
  /**
   * Whether the callback may be run again. With `false` it is run at most once, and what would have made the client
   * repeat it reaches the caller: a serialization failure (40001), a deadlock (40P01), a ConnectionLostError.
   * @defaultValue true
   */
  readonly retry?: boolean;
  /** What it is called in events and diagnostics, behind the word `transaction`. 1 to 100 characters. */
  readonly name?: string;
}

const SAFETIES = ['read', 'idempotent', 'effectful'] as const;

const ISOLATIONS = ['read committed', 'repeatable read', 'serializable'] as const;
const ACCESSES = ['read write', 'read only'] as const;

/** @throws InvalidOptionsError */
export function checkTransactionOptions(given: TransactionOptions): void {
  const where = 'transaction()';
  const own = ['isolation', 'access', 'retry', 'name'];
  const { isolation, access, retry, name } = given;
  checkCallOptions(where, given, ['deadlineMs', 'signal', 'exactlyOnce', ...own]);
  if (isolation !== undefined) checkOneOf("'isolation'", isolation, ISOLATIONS);
  if (access !== undefined) checkOneOf("'access'", access, ACCESSES);
  if (retry !== undefined) checkBoolean("'retry'", retry);
  if (name !== undefined) checkText("'name'", name, 100);
}

/** @throws InvalidOptionsError */
export function checkStreamOptions(given: StreamOptions): void {
  checkCallOptions('stream()', given, ['deadlineMs', 'signal', 'batchSize']);
  if (given.batchSize !== undefined) checkInteger("'batchSize'", given.batchSize, 1, 100_000);
}

/** PostgreSQL's bigint. */
const KEY_MIN = -(2n ** 63n);
const KEY_MAX = 2n ** 63n - 1n;

/** @throws InvalidOptionsError */
export function checkLock(key: unknown, given: AdvisoryLockOptions): void {
  checkCallOptions('withAdvisoryLock()', given, ['deadlineMs', 'signal', 'wait']);
  const { wait } = given;
  if (typeof wait === 'number') checkInteger("'wait'", wait, 1, 3_600_000);
  else if (wait !== undefined) checkBoolean("'wait'", wait);
  if (typeof key !== 'bigint') {
    checkText('the key of withAdvisoryLock(), if it is no bigint,', key);
  } else if (key < KEY_MIN || key > KEY_MAX) {
    throw new InvalidOptionsError(
      `the key of withAdvisoryLock() must be from ${KEY_MIN} to ${KEY_MAX}, but is ${key}`,
    );
  }
}

/** @throws InvalidOptionsError */
export function checkCallOptions(where: string, given: StatementOptions, allowed: readonly string[]): void {
  const options = checkObject(`the options of ${where}`, given);
  checkKeys(where, options, allowed);
  if (options['deadlineMs'] !== undefined) checkInteger("'deadlineMs'", options['deadlineMs'], 1, 3_600_000);
  if (options['safety'] !== undefined) checkOneOf("'safety'", options['safety'], SAFETIES);
  if (options['exactlyOnce'] !== undefined) checkBoolean("'exactlyOnce'", options['exactlyOnce']);
  if (options['signal'] !== undefined && !(options['signal'] instanceof AbortSignal)) {
    checkObject("'signal' (an AbortSignal)", undefined);
  }
}
