/** Names one attempt to commit: what `schooldb.settle` is asked about. */
export interface CommitMark {
  /** The commit slot, a UUID. */
  readonly slot: string;
  /** The attempt within the slot. */
  readonly seq: number;
}

/** One commit slot: a row in `schooldb.commit_slot` that belongs to one operation at a time. */
export interface CommitSlot {
  /** Names the next attempt. Each attempt needs a name of its own: a fence ends the earlier ones for good. */
  next(): CommitMark;
}

/**
 * The slots of one client, used again and again so that the table stays small. A slot whose last attempt is unknown
 * is never given back: a later 'yes' about it would be read as the answer to somebody else's question.
 */
export class CommitSlots {
  readonly #free: CommitSlot[] = [];
  readonly #newId: () => string;

  /** @param newId - makes a UUID. */
  constructor(newId: () => string) {
    this.#newId = newId;
  }

  take(): CommitSlot {
    return this.#free.pop() ?? makeSlot(this.#newId());
  }

  giveBack(slot: CommitSlot): void {
    this.#free.push(slot);
  }
}

function makeSlot(slot: string): CommitSlot {
  let seq = 0;
  return {
    next() {
      seq += 1;
      return { slot, seq };
    },
  };
}
