import type { Random } from '../runtime/random.ts';

export interface BackoffOptions {
  /** The longest pause before the second attempt, in milliseconds. */
  baseMs: number;
  /** The longest pause before any attempt, in milliseconds. */
  capMs: number;
}

/**
 * The pause before the next attempt: exponential with full jitter, so that many clients that failed at the same
 * moment do not come back at the same moment ("Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
 *
 * @param failures - attempts that have failed in a row so far, 1 or more.
 * @returns milliseconds, at least 1: a pause of zero turns a dead server into a busy loop.
 */
export function backoffMs(failures: number, options: BackoffOptions, random: Random): number {
  const ceiling = Math.min(options.capMs, options.baseMs * 2 ** Math.min(failures - 1, 30));
  return Math.max(1, Math.round(random() * ceiling));
}
