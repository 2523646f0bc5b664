import type { AttemptEnd } from '../../execution/attempt.ts';

/**
 * What a caller's signal means for a statement that has effects: given up as long as it was not sent. What was sent goes
 * on to its end, unless the caller has asked for it to be given up even then.
 */
export class Patience {
  readonly #caller: AbortSignal;
  readonly #over = new AbortController();
  #isSent = false;

  constructor(caller: AbortSignal) {
    this.#caller = caller;
    caller.addEventListener('abort', this.#onAbort, { once: true });
    this.#onAbort();
  }

  /** Aborted when the statement is given up. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  giveUp(): void {
    this.#over.abort(this.#caller.reason);
  }

  async whileSent<T>(work: () => Promise<AttemptEnd<T>>): Promise<AttemptEnd<T>> {
    this.#isSent = true;
    const end = await work();
    this.#isSent = false;
    // It is not sent again, then.
    if (end.state !== 'done') this.#onAbort();
    return end;
  }

  done(): void {
    this.#caller.removeEventListener('abort', this.#onAbort);
  }

  readonly #onAbort = () => {
    if (this.#caller.aborted && !this.#isSent) this.giveUp();
  };
}
