/**
 * How stale a replica is. Its clock and the age of its last transaction say nothing (on an idle cluster that one only
 * grows), but the primary's position does: whoever has replayed what the primary had at a moment is behind by no more
 * than the time since. So the primary is asked now and then. Pure.
 */
import type { Demand, Position } from './position.ts';

interface Sample {
  readonly position: Position;
  /** When the primary was asked. */
  readonly at: number;
}

/** Samples within the time that a replica may be behind: so often is the primary asked while replicas are read. */
const SAMPLES = 4;

export class Samples {
  readonly #maxStalenessMs: number;
  #samples: Sample[] = [];
  #askedAt = -Infinity;

  constructor(maxStalenessMs: number) {
    this.#maxStalenessMs = maxStalenessMs;
  }

  /** @param at - when the primary was asked. */
  add(position: Position, at: number): void {
    const last = this.#samples.at(-1);
    // Positions of an older history can't be compared, and a write a moment ago says what is known.
    if (last !== undefined && !isSameHistory(last.position, position)) this.#samples = [];
    else if (last !== undefined && at - last.at < this.#intervalMs) return;
    this.#samples.push({ position, at });
  }

  /** The least that a replica must hold; undefined where nothing is known that is young enough. */
  demand(now: number): Demand | undefined {
    while (this.#samples[0] !== undefined && now - this.#samples[0].at > this.#maxStalenessMs) {
      this.#samples.shift();
    }
    return this.#samples[0]?.position;
  }

  /** Whether it is time to ask the primary again; true once for each time. */
  isDue(now: number): boolean {
    const newest = this.#samples.at(-1)?.at ?? -Infinity;
    if (now - Math.max(newest, this.#askedAt) < this.#intervalMs) return false;
    this.#askedAt = now;
    return true;
  }

  get #intervalMs(): number {
    return this.#maxStalenessMs / SAMPLES;
  }
}

function isSameHistory(one: Position, other: Position): boolean {
  return one.systemId === other.systemId && one.timeline === other.timeline;
}
