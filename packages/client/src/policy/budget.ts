/**
 * How many repetitions a whole client may spend, so that a database in trouble is not stormed: a token bucket that
 * successes fill, and time a little (as in gRPC's retry throttling, proposal A6, and Finagle's RetryBudget). Waiting
 * for a primary costs nothing, nor does the first repetition of an operation: after a failover every caller needs
 * that one at the same moment. Pure.
 */
export interface RetryBudgetOptions {
  /** Repetitions that can be saved up. */
  readonly capacity: number;
  /** What one success adds. */
  readonly perSuccess: number;
  /** What a second adds, so that a client with few successes is not stuck. */
  readonly perSecond: number;
}

export const RETRY_BUDGET_DEFAULTS = {
  capacity: 100,
  perSuccess: 0.1,
  perSecond: 10,
} satisfies RetryBudgetOptions;

/** The first attempt and the first repetition are free. */
const FREE_ATTEMPTS = 2;

export class RetryBudget {
  readonly #options: RetryBudgetOptions;
  #tokens: number;
  #filledAt: number;

  /** @param now - milliseconds, on the clock that the other calls use as well. */
  constructor(now: number, options: RetryBudgetOptions = RETRY_BUDGET_DEFAULTS) {
    this.#options = options;
    this.#tokens = options.capacity;
    this.#filledAt = now;
  }

  succeeded(): void {
    this.#add(this.#options.perSuccess);
  }

  /**
   * @param attempt - the attempt that is to be made, counted from 1.
   * @returns 0 where it may be made now (its token is spent), else the milliseconds after which to ask again.
   */
  spend(attempt: number, now: number): number {
    if (attempt <= FREE_ATTEMPTS) return 0;
    this.#add(((now - this.#filledAt) / 1_000) * this.#options.perSecond);
    this.#filledAt = now;
    if (this.#tokens < 1) return Math.ceil(((1 - this.#tokens) / this.#options.perSecond) * 1_000);
    this.#tokens -= 1;
    return 0;
  }

  #add(tokens: number): void {
    this.#tokens = Math.min(this.#options.capacity, this.#tokens + tokens);
  }
}
