import type { Deadline } from '../runtime/deadline.ts';

export interface Waiting {
  /** Goes before those who begin: for settling what an earlier attempt left open. */
  readonly urgent?: boolean;
  /** Is told at once when there is nothing to wait for, because it has somewhere else to go. */
  readonly impatient?: boolean;
  /** Takes the caller out of the line: it was served elsewhere. */
  readonly signal?: AbortSignal;
}

interface Waiter<T> {
  readonly impatient: boolean;
  resolve(value: T): void;
  reject(error: unknown): void;
  leave(): void;
}

/**
 * Callers that have no lease yet: first come, first served, except that those who settle an earlier attempt go
 * before those who begin. Whoever's deadline is over leaves by itself.
 */
export class WaitingLine<T> {
  readonly #urgent = new Set<Waiter<T>>();
  readonly #ordinary = new Set<Waiter<T>>();

  get size(): number {
    return this.#urgent.size + this.#ordinary.size;
  }

  /** @param overError - makes the error for a caller whose deadline is over. */
  join(
    deadline: Deadline,
    { urgent = false, impatient = false, signal }: Waiting,
    overError: () => Error,
  ): Promise<T> {
    const line = urgent ? this.#urgent : this.#ordinary;
    if (deadline.over) return Promise.reject(overError());
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    return new Promise((resolve, reject) => {
      const waiter: Waiter<T> = { impatient, resolve, reject, leave: () => {} };
      line.add(waiter);
      const stopListening = deadline.onOver(() => {
        waiter.leave();
        reject(overError());
      });
      const abandon = () => {
        waiter.leave();
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', abandon);
      waiter.leave = () => {
        line.delete(waiter);
        stopListening();
        signal?.removeEventListener('abort', abandon);
      };
    });
  }

  /** @returns false when nobody waits. */
  serveNext(value: T): boolean {
    const waiter = this.#first();
    if (waiter === undefined) return false;
    waiter.leave();
    waiter.resolve(value);
    return true;
  }

  /** @param who - all of them, or the impatient ones. */
  reject(who: 'all' | 'impatient', makeError: () => unknown): void {
    for (const waiter of [...this.#urgent, ...this.#ordinary]) {
      if (who === 'impatient' && !waiter.impatient) continue;
      waiter.leave();
      waiter.reject(makeError());
    }
  }

  #first(): Waiter<T> | undefined {
    for (const waiter of this.#urgent) return waiter;
    for (const waiter of this.#ordinary) return waiter;
    return undefined;
  }
}
