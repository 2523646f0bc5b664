import type { SchoolDb } from '@schooldb/client';

/**
 * Whether the database takes writes at the moment, as far as this process knows. Nothing here waits or decides: the
 * client does that. It is there so that pages can say why saving takes a while.
 */
export class Outage {
  readonly #listeners = new Set<(isOut: boolean) => void>();
  readonly #unsubscribe: readonly (() => void)[];
  #since: Date | undefined;

  constructor(db: SchoolDb) {
    this.#unsubscribe = [
      db.on('endpoint:down', ({ endpoint }) => endpoint === 'master' && this.#set(new Date())),
      db.on('endpoint:up', ({ endpoint }) => endpoint === 'master' && this.#set(undefined)),
      db.on('primary:changed', () => this.#set(undefined)),
    ];
  }

  /** What was saved before this moment is on every page; undefined while all is well. */
  get since(): Date | undefined {
    return this.#since;
  }

  /** @returns a function that takes the listener away. */
  onChange(listener: (isOut: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#listeners.clear();
  }

  #set(since: Date | undefined): void {
    if ((this.#since === undefined) === (since === undefined)) return;
    this.#since = since;
    for (const listener of this.#listeners) listener(since !== undefined);
  }
}
