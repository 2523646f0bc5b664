import type { Clock, Timer } from '../runtime/clock.ts';

export interface HedgeOptions {
  /** From the start of one attempt to the start of the next, in milliseconds. */
  readonly staggerMs: number;
  /** Attempts under way at the same time, at most. */
  readonly atMost: number;
}

/** One of several attempts at the same thing. */
export interface HedgedAttempt<T> {
  readonly result: Promise<T>;
  /** Ends it; what it had opened is closed. */
  abandon(): void;
}

export interface HedgeHooks<T> {
  /** Begins an attempt. */
  start(): HedgedAttempt<T>;
  /** Asked before each attempt but the first. */
  mayFollow(): boolean;
  /** An attempt has failed, and others are still under way. */
  onFailed(error: unknown): void;
}

/**
 * After a failover an address can lead to two servers for a while, one of them dead: whoever connects hangs by chance.
 * So further attempts follow while others are open. The first that succeeds wins, the others are abandoned.
 *
 * An attempt that fails while no other is open is not followed up here: that is for the caller, with its backoff.
 *
 * @throws the last failure, when no attempt is left open.
 */
export function hedged<T>(hooks: HedgeHooks<T>, options: HedgeOptions, clock: Clock): Promise<T> {
  return new Promise((resolve, reject) => {
    const open = new Set<HedgedAttempt<T>>();
    let startedAt = 0;
    let timer: Timer | undefined;

    const begin = () => {
      startedAt = clock.now();
      const attempt = hooks.start();
      open.add(attempt);
      arm();
      attempt.result.then(
        (value) => {
          if (open.delete(attempt)) win(value);
        },
        (error: unknown) => {
          if (open.delete(attempt)) failed(error);
        },
      );
    };
    const arm = () => {
      if (timer !== undefined || open.size >= options.atMost) return;
      timer = clock.schedule(Math.max(1, startedAt + options.staggerMs - clock.now()), follow);
    };
    const follow = () => {
      timer = undefined;
      if (hooks.mayFollow()) return begin();
      startedAt = clock.now();
      arm();
    };
    const win = (value: T) => {
      timer?.cancel();
      const others = [...open];
      open.clear();
      resolve(value);
      for (const other of others) other.abandon();
    };
    const failed = (error: unknown) => {
      if (open.size > 0) {
        hooks.onFailed(error);
        return arm();
      }
      timer?.cancel();
      reject(error);
    };
    begin();
  });
}
