import { ClientClosedError, DeadlineExceededError, OperationAbortedError } from '../errors/call-errors.ts';
import type { Outcome } from '../errors/base.ts';
import type { Clock, Timer } from './clock.ts';

/**
 * The end of the caller's patience: the moment by which it gets an answer, or its own abort, whichever is first.
 * Made once per operation and handed down unchanged through waiting, connecting, attempts and retries.
 */
export class Deadline {
  readonly #timer: Timer;
  readonly #signals: readonly AbortSignal[];
  readonly #listeners = new Set<() => void>();
  readonly #limitMs: number;
  #end: 'expired' | 'aborted' | undefined;

  /**
   * @param limitMs - how long the operation may take, in milliseconds from now.
   * @param signals - other ways to give up: the caller's own, and the closing of the client.
   */
  constructor(clock: Clock, limitMs: number, signals: readonly AbortSignal[] = []) {
    this.#limitMs = limitMs;
    this.#signals = signals;
    this.#timer = clock.schedule(limitMs, () => this.#finish('expired'), true);
    if (signals.some(({ aborted }) => aborted)) this.#finish('aborted');
    else for (const signal of signals) signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Whether the time is up or the caller has given up. */
  get over(): boolean {
    return this.#end !== undefined;
  }

  /**
   * Calls `listener` once when it is over; at once if it is already.
   *
   * @returns a function that takes the listener away again.
   */
  onOver(listener: () => void): () => void {
    if (this.over) {
      listener();
      return () => {};
    }
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The error for a caller whose time is up: what it was doing, what the server may have done, the last failure. */
  error(doing: string, outcome: Outcome, cause?: unknown): DeadlineExceededError | OperationAbortedError {
    if (this.#end === 'aborted') {
      const reason: unknown = this.#signals.find(({ aborted }) => aborted)?.reason;
      const who = reason instanceof ClientClosedError ? 'given up by close()' : 'aborted by the caller';
      return new OperationAbortedError(`${who} while ${doing}`, outcome, { cause: reason });
    }
    const options = cause === undefined ? undefined : { cause };
    return new DeadlineExceededError(
      `no answer within ${this.#limitMs} ms, while ${doing}`,
      outcome,
      options,
    );
  }

  /** Must be called when the operation has its answer: frees the timer and the listener on the signal. */
  done(): void {
    this.#timer.cancel();
    for (const signal of this.#signals) signal.removeEventListener('abort', this.#onAbort);
    this.#listeners.clear();
  }

  readonly #onAbort = () => this.#finish('aborted');

  #finish(end: 'expired' | 'aborted'): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    const listeners = [...this.#listeners];
    this.done();
    for (const listener of listeners) listener();
  }
}
