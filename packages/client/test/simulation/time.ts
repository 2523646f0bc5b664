/**
 * The one clock of a simulation. Two kinds of events fall due on it: those of the model (pure, synchronous: nothing
 * waits for them) and those of the client, after which everything that became ready must run before time goes on.
 *
 * pg-pool and its like use the global timers: those are faked by @sinonjs/fake-timers and stepped in the same order.
 * `setImmediate` and `process.nextTick` stay real, which is how ready promises are let run.
 */
import FakeTimers from '@sinonjs/fake-timers';
import type { Clock, Timer } from '../../src/runtime/clock.ts';

interface Due {
  readonly at: number;
  /** Equal moments keep the order in which they were asked for. */
  readonly order: number;
  readonly run: () => void;
  readonly ofClient: boolean;
  state: 'waiting' | 'ran' | 'cancelled';
}

/** What of the faked global timers is needed beyond their documented surface: when the next one falls due. */
interface GlobalTimers {
  readonly now: number;
  tick(ms: number): number;
  reset(): void;
  countTimers(): number;
  readonly timers?: ReadonlyMap<unknown, { readonly callAt: number }>;
}

let installed: GlobalTimers | undefined;

/** Replaces the global timers of this thread, for good. */
export function installGlobalTimers(): void {
  installed ??= FakeTimers.install({
    now: 0,
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'],
  }) as unknown as GlobalTimers;
}

const realSetImmediate = setImmediate;

export class SimTime {
  #now = 0;
  #order = 0;
  readonly #heap: Due[] = [];
  #clientTimers = 0;
  #clientTouched = false;
  readonly #global: GlobalTimers | undefined = installed;

  /** What an event throws would end a real process. */
  onThrow: (error: unknown) => void = (error) => {
    throw error;
  };

  constructor() {
    this.#global?.reset();
  }

  /** Milliseconds since the simulation began. */
  get now(): number {
    return this.#now;
  }

  /** The client's timers that have neither run nor been cancelled, those of the libraries it uses included. */
  get pendingClientTimers(): number {
    return this.#clientTimers + (this.#global?.countTimers() ?? 0);
  }

  /** The client's clock. */
  readonly clock: Clock = {
    now: () => this.#now,
    schedule: (delayMs, run) => {
      this.#clientTimers += 1;
      const due = this.#add(delayMs, run, true);
      return { cancel: () => this.#cancel(due) };
    },
  };

  /** Calls `run` once, after the time. For the model: it may be cancelled, and counts as nobody's timer. */
  after(delayMs: number, run: () => void): Timer {
    const due = this.#add(delayMs, run, false);
    return { cancel: () => (due.state = 'cancelled') };
  }

  /** Must be called by whatever hands something to the client: it reacts before time goes on. */
  touchClient(): void {
    this.#clientTouched = true;
    this.#syncGlobal();
  }

  /** Calls `run` once, after the time. For the app around the client, which reacts to it. */
  afterForApp(delayMs: number, run: () => void): Timer {
    return this.after(delayMs, () => {
      this.touchClient();
      run();
    });
  }

  /**
   * Lets time pass until `done`, or until nothing is left to happen, or for `limitMs`.
   *
   * @returns whether `done` became true.
   */
  async run(done: () => boolean, limitMs: number): Promise<boolean> {
    const end = this.#now + limitMs;
    await this.#react();
    while (!done()) {
      const own = this.#peek();
      const globalAt = this.#nextGlobal();
      const at = Math.max(this.#now, Math.min(own?.at ?? Infinity, globalAt));
      if (at > end || at === Infinity) {
        this.#now = end;
        return done();
      }
      this.#now = at;
      if (own === undefined || globalAt < own.at) this.#clientTouched = true;
      else {
        this.#pop();
        if (own.ofClient) {
          this.#clientTimers -= 1;
          this.#clientTouched = true;
          this.#syncGlobal();
        }
        try {
          own.run();
        } catch (error) {
          this.onThrow(error);
        }
      }
      if (this.#clientTouched) await this.#react();
    }
    return true;
  }

  /** Everything that is ready runs: promises and `nextTick`, until there are no more. */
  async #react(): Promise<void> {
    this.#clientTouched = false;
    this.#syncGlobal();
    await new Promise<void>((resolve) => realSetImmediate(resolve));
  }

  #add(delayMs: number, run: () => void, ofClient: boolean): Due {
    const due: Due = {
      at: this.#now + Math.max(0, delayMs),
      order: this.#order,
      run,
      ofClient,
      state: 'waiting',
    };
    this.#order += 1;
    this.#push(due);
    return due;
  }

  #cancel(due: Due): void {
    if (due.state !== 'waiting') return;
    due.state = 'cancelled';
    this.#clientTimers -= 1;
  }

  #syncGlobal(): void {
    const global = this.#global;
    if (global === undefined) return;
    const behind = Math.floor(this.#now) - global.now;
    if (behind > 0 || global.countTimers() > 0) global.tick(Math.max(0, behind));
  }

  #nextGlobal(): number {
    const global = this.#global;
    if (global === undefined || global.countTimers() === 0) return Infinity;
    let first = Infinity;
    for (const timer of global.timers?.values() ?? []) first = Math.min(first, timer.callAt);
    return first;
  }

  #peek(): Due | undefined {
    while (this.#heap[0]?.state === 'cancelled') this.#pop();
    return this.#heap[0];
  }

  #push(due: Due): void {
    const heap = this.#heap;
    let child = heap.length;
    heap.push(due);
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!isBefore(due, heap[parent]!)) break;
      heap[child] = heap[parent]!;
      child = parent;
    }
    heap[child] = due;
  }

  #pop(): void {
    const heap = this.#heap;
    const first = heap[0]!;
    if (first.state === 'waiting') first.state = 'ran';
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let parent = 0;
    for (;;) {
      let child = 2 * parent + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isBefore(heap[child]!, last)) break;
      heap[parent] = heap[child]!;
      parent = child;
    }
    heap[parent] = last;
  }
}

function isBefore(one: Due, other: Due): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
