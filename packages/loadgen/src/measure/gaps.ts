/** A time without a success, between two of them; milliseconds since 1970. */
export interface Gap {
  from: number;
  to: number;
}

/** Shorter ones are everyday pauses; keeping them would fill the memory of a long run. */
const SHORTEST_KEPT_MS = 20;

/** The gaps between consecutive successes of all clients together. */
export class Gaps {
  readonly #kept: Gap[] = [];
  #last: number;

  /** @param startedAt - The load's start: a load that never succeeds is one gap. */
  constructor(startedAt: number) {
    this.#last = startedAt;
  }

  success(at: number): void {
    if (at - this.#last >= SHORTEST_KEPT_MS) this.#kept.push({ from: this.#last, to: at });
    this.#last = Math.max(this.#last, at);
  }

  /** The last success, or the start of the load. */
  get lastAt(): number {
    return this.#last;
  }

  /** The gaps that a success has ended. */
  ended(): readonly Gap[] {
    return this.#kept;
  }

  /** All gaps up to the end of the load, an unfinished one included. */
  until(endedAt: number): readonly Gap[] {
    return endedAt - this.#last >= SHORTEST_KEPT_MS
      ? [...this.#kept, { from: this.#last, to: endedAt }]
      : this.#kept;
  }
}

export function longestOf(gaps: readonly Gap[]): number {
  return gaps.reduce((longest, gap) => Math.max(longest, gap.to - gap.from), 0);
}
