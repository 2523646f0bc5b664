/** Whoever holds or wants locks; told apart as objects. */
type Owner = object;

interface Lock {
  holder: Owner;
  readonly waiting: { readonly owner: Owner; readonly granted: () => void }[];
}

/** The row locks of one server, or its advisory locks. They live in its memory: a crash forgets them. */
export class Locks {
  readonly #locks = new Map<string, Lock>();
  readonly #held = new Map<Owner, Set<string>>();
  readonly #waitsFor = new Map<Owner, string>();

  /** Calls `granted` when the lock is held: at once where nobody holds it or the owner does already. */
  acquire(owner: Owner, row: string, granted: () => void): void {
    const lock = this.#locks.get(row);
    if (lock === undefined) this.#take(owner, row, { holder: owner, waiting: [] });
    else if (lock.holder !== owner) {
      this.#waitsFor.set(owner, row);
      lock.waiting.push({ owner, granted });
      return;
    }
    granted();
  }

  /** Gives back all that the owner holds, and its place in the line where it waits. */
  release(owner: Owner): void {
    this.stopWaiting(owner);
    const rows = this.#held.get(owner) ?? [];
    this.#held.delete(owner);
    for (const row of rows) this.#handOn(row);
  }

  /** @returns whether the owner had it. */
  giveBack(owner: Owner, row: string): boolean {
    if (this.#held.get(owner)?.delete(row) !== true) return false;
    this.#handOn(row);
    return true;
  }

  isFree(row: string): boolean {
    return !this.#locks.has(row);
  }

  holds(owner: Owner): boolean {
    return (this.#held.get(owner)?.size ?? 0) > 0;
  }

  stopWaiting(owner: Owner): void {
    const row = this.#waitsFor.get(owner);
    if (row === undefined) return;
    this.#waitsFor.delete(owner);
    const { waiting } = this.#locks.get(row)!;
    waiting.splice(
      waiting.findIndex((each) => each.owner === owner),
      1,
    );
  }

  isWaiting(owner: Owner): boolean {
    return this.#waitsFor.has(owner);
  }

  /** Whether the owner waits, in the end, for itself. */
  isDeadlocked(owner: Owner): boolean {
    const seen = new Set<Owner>();
    for (let at = owner; !seen.has(at);) {
      seen.add(at);
      const row = this.#waitsFor.get(at);
      if (row === undefined) return false;
      at = this.#locks.get(row)!.holder;
      if (at === owner) return true;
    }
    return false;
  }

  #handOn(row: string): void {
    const lock = this.#locks.get(row)!;
    const next = lock.waiting.shift();
    if (next === undefined) {
      this.#locks.delete(row);
      return;
    }
    this.#waitsFor.delete(next.owner);
    this.#take(next.owner, row, { holder: next.owner, waiting: lock.waiting });
    next.granted();
  }

  #take(owner: Owner, row: string, lock: Lock): void {
    this.#locks.set(row, lock);
    const held = this.#held.get(owner);
    if (held === undefined) this.#held.set(owner, new Set([row]));
    else held.add(row);
  }
}
