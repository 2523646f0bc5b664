/** The time as the server and its controllers see it. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls back once, a number of milliseconds from now. @returns what cancels it. */
  after(delayMs: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    // What the server still means to do keeps nobody's process alive.
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** A clock that stands still until it is advanced: for tests that drive controllers step by step. */
export class ManualClock implements Clock {
  #now: number;
  readonly #timers = new Set<{ readonly at: number; readonly callback: () => void }>();

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.#now + delayMs, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Moves time on and calls, in order, what falls due, what is started meanwhile included. */
  advance(durationMs: number): void {
    const until = this.#now + durationMs;
    for (;;) {
      const next = [...this.#timers]
        .filter(({ at }) => at <= until)
        .sort((left, right) => left.at - right.at)[0];
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
    }
    this.#now = until;
  }
}

/** As Kubernetes writes times: whole seconds, UTC. */
export function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
