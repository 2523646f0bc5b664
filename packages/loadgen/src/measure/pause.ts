import { setTimeout } from 'node:timers/promises';

/** Waits, and returns early without an error when the signal is aborted. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, signal === undefined ? {} : { signal }).catch(() => {});
}

/** @throws Error when what is awaited has not come within the limit. */
export async function within<T>(limitMs: number, what: string, awaited: Promise<T>): Promise<T> {
  const done = new AbortController();
  const limit = pause(limitMs, done.signal).then(() => {
    throw new Error(`${what} took longer than ${limitMs} ms`);
  });
  try {
    return await Promise.race([awaited, limit]);
  } finally {
    limit.catch(() => {});
    done.abort();
  }
}
