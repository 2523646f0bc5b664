import type { Clock, Timer } from './clock.ts';

const TICK_MS = 100;
/** The most that one tick counts, however late it came: what is over it was our own event loop's stall. */
const MAX_TICK_MS = 2 * TICK_MS;

/**
 * A clock that runs only while our own event loop does. Whoever blames a server for its silence measures with it: a
 * process that was busy or stopped for three seconds has not listened for three seconds.
 */
export class ResponsiveClock {
  readonly #clock: Clock;
  readonly #onTick = new Set<(punctual: boolean) => void>();
  #timer: Timer | undefined;
  #tickedAt = 0;
  #elapsedMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds of responsive time. Stands still while nobody listens to the tick. */
  now(): number {
    if (this.#timer === undefined) return this.#elapsedMs;
    return this.#elapsedMs + Math.min(this.#clock.now() - this.#tickedAt, MAX_TICK_MS);
  }

  /**
   * Calls `listener` about every 100 ms. `punctual` is false where the tick came late: bytes may then lie in the
   * kernel that nobody has read yet, and no server may be judged.
   *
   * @returns a function that takes the listener away again.
   */
  onTick(listener: (punctual: boolean) => void): () => void {
    this.#onTick.add(listener);
    if (this.#timer === undefined) this.#schedule();
    return () => {
      this.#onTick.delete(listener);
      if (this.#onTick.size === 0) this.#stop();
    };
  }

  #schedule(): void {
    this.#tickedAt = this.#clock.now();
    this.#timer = this.#clock.schedule(TICK_MS, () => this.#tick());
  }

  #stop(): void {
    this.#elapsedMs = this.now();
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #tick(): void {
    const punctual = this.#clock.now() - this.#tickedAt < MAX_TICK_MS;
    this.#elapsedMs = this.now();
    this.#schedule();
    for (const listener of this.#onTick) listener(punctual);
  }
}
