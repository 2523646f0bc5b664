/**
 * Servers that were found to be behind, so that not every read waits for one that can't catch up: for a while they are
 * passed by, longer from time to time. Pure.
 */
const PAUSE = { baseMs: 50, capMs: 2_000 };

export class Laggards {
  readonly #behind = new Map<string, { times: number; until: number }>();

  /** Whether it is not worth asking. */
  isBehind(server: string, now: number): boolean {
    return now < (this.#behind.get(server)?.until ?? -Infinity);
  }

  fellBehind(server: string, now: number): void {
    // Servers that are gone would stay for ever.
    for (const [other, { until }] of this.#behind) if (now - until > PAUSE.capMs) this.#behind.delete(other);
    const times = (this.#behind.get(server)?.times ?? 0) + 1;
    const pauseMs = Math.min(PAUSE.capMs, PAUSE.baseMs * 2 ** (times - 1));
    this.#behind.set(server, { times, until: now + pauseMs });
  }

  caughtUp(server: string): void {
    this.#behind.delete(server);
  }
}
