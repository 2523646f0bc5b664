export interface Staleness {
  reads: number;
  /** Reads that did not show a write acknowledged to the same client before they were sent. */
  stale: number;
  /** The most writes that one read missed. */
  mostBehind: number;
  /** The oldest acknowledgement that a read missed, in milliseconds before it was sent. */
  mostBehindMs: number;
}

/** Counts how old the answers were. A figure and no violation: this client promises no read-your-writes yet. */
export class StalenessTally {
  readonly #tally: Staleness = { reads: 0, stale: 0, mostBehind: 0, mostBehindMs: 0 };

  add(behind: number, behindMs: number): void {
    this.#tally.reads++;
    if (behind === 0) return;
    this.#tally.stale++;
    this.#tally.mostBehind = Math.max(this.#tally.mostBehind, behind);
    this.#tally.mostBehindMs = Math.max(this.#tally.mostBehindMs, behindMs);
  }

  summary(): Staleness {
    return { ...this.#tally };
  }
}

/** The acknowledged writes of one client that no read has shown yet. */
export class Acknowledged {
  #unseen: { seq: number; at: number }[] = [];

  add(seq: number, at: number): void {
    this.#unseen.push({ seq, at });
  }

  /** How far a read sent at `sentAt` that showed `newest` was behind. */
  seenAt(sentAt: number, newest: number): { behind: number; behindMs: number } {
    this.#unseen = this.#unseen.filter((write) => write.seq > newest);
    const missed = this.#unseen.filter((write) => write.at <= sentAt);
    return { behind: missed.length, behindMs: missed.length === 0 ? 0 : sentAt - missed[0]!.at };
  }
}
