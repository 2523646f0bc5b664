import type { StatementSafety } from '../policy/classify.ts';
import { checkBoolean, checkInteger, checkKeys, checkObject, checkOneOf } from './option-checks.ts';

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

export interface TransactionOptions extends CallOptions {
  /**
   * Finds out what became of a COMMIT whose answer was lost. `true` refuses to run where the schema `schooldb` is
   * missing; `false` never asks. @defaultValue wherever the schema is installed
   */
  readonly exactlyOnce?: boolean;
}

const SAFETIES = ['read', 'idempotent', 'effectful'] as const;

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
