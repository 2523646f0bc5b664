import type { WalRecord } from './wal.ts';

/** How a commit's wait for the synchronous standby ended. */
export type WaitEnd =
  | 'confirmed'
  /** Given up by an operator: the client is told of a success, with a warning. */
  | 'cancelled'
  /** The session was ended: the client is told nothing. Committed here all the same. */
  | 'terminated';

/** Whoever waits; told apart as objects. */
type Owner = object;

/** The commits of one primary that are flushed here and wait for the standby (PostgreSQL's syncrep.c). */
export class SyncWaits {
  readonly #waits = new Map<Owner, { readonly lsn: number; readonly end: (how: WaitEnd) => void }>();
  /** Up to where the standby has confirmed; Infinity where nobody has to. */
  #confirmed: number;

  constructor(confirmed: number) {
    this.#confirmed = confirmed;
  }

  wait(owner: Owner, record: WalRecord, end: (how: WaitEnd) => void): void {
    if (record.lsn <= this.#confirmed) end('confirmed');
    else this.#waits.set(owner, { lsn: record.lsn, end });
  }

  get size(): number {
    return this.#waits.size;
  }

  isWaiting(owner: Owner): boolean {
    return this.#waits.has(owner);
  }

  /** The owner's session ends under the wait. */
  giveUp(owner: Owner): void {
    const wait = this.#waits.get(owner);
    this.#waits.delete(owner);
    wait?.end('terminated');
  }

  /** An operator cancels all that wait now. */
  cancelAll(): void {
    const ended = [...this.#waits.values()];
    this.#waits.clear();
    for (const { end } of ended) end('cancelled');
  }

  /** The standby has flushed everything up to there. */
  confirm(lsn: number): void {
    this.#confirmed = Math.max(this.#confirmed, lsn);
    for (const [owner, { lsn: wanted, end }] of this.#waits) {
      if (wanted > this.#confirmed) continue;
      this.#waits.delete(owner);
      end('confirmed');
    }
  }
}
