import type { Clock, Timer } from '../runtime/clock.ts';

export interface HedgeOptions {
  /** From the start of one attempt to the start of the next, in milliseconds. */
  readonly staggerMs: number;
  /** Attempts under way at the same time, and in all, at most. */
  readonly atMost: number;
}

/** One of several attempts at the same thing. */
export interface HedgedAttempt<T> {
  readonly result: Promise<T>;
  /** Ends it; what it had opened is closed. */
  abandon(): void;
}

/**
 * After a failover an address can lead to two servers for a while, one of them dead: whoever connects hangs by chance.
 * So further attempts follow while the first is still open. The first that succeeds wins, the others are abandoned.
 *
 * An attempt that fails at once is not followed up here: that is for the caller, with its backoff.
 *
 * @param start - begins attempt n, counted from 1.
 * @param mayHedge - asked before each attempt but the first.
 * @throws the last failure, when no attempt is left open.
 */
export function hedged<T>(
  start: (attempt: number) => HedgedAttempt<T>,
  options: HedgeOptions,
  clock: Clock,
  mayHedge: () => boolean,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const open = new Set<HedgedAttempt<T>>();
    let started = 0;
    let timer: Timer | undefined;

    const begin = () => {
      started += 1;
      const attempt = start(started);
      open.add(attempt);
      timer = started < options.atMost ? clock.schedule(options.staggerMs, follow) : undefined;
      attempt.result.then(
        (value) => {
          if (open.delete(attempt)) win(value);
        },
        (error: unknown) => {
          if (open.delete(attempt) && open.size === 0) lose(error);
        },
      );
    };
    const follow = () => {
      if (mayHedge()) begin();
      else timer = clock.schedule(options.staggerMs, follow);
    };
    const win = (value: T) => {
      timer?.cancel();
      const others = [...open];
      open.clear();
      resolve(value);
      for (const other of others) other.abandon();
    };
    const lose = (error: unknown) => {
      timer?.cancel();
      reject(error);
    };
    begin();
  });
}
