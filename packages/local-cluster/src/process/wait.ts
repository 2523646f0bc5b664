import { setTimeout as sleep } from 'node:timers/promises';

export interface WaitOptions {
  timeoutMs: number;
  /** Pause between two looks. @defaultValue 10 */
  everyMs?: number;
  /** Cuts the wait short, with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** Looks again and again until the condition gives something else than undefined or false; undefined after the timeout. */
export async function waitFor<T>(
  condition: () => T | undefined | false | Promise<T | undefined | false>,
  { timeoutMs, everyMs = 10, signal }: WaitOptions,
): Promise<T | undefined> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    signal?.throwIfAborted();
    const found = await condition();
    if (found !== undefined && found !== false) return found;
    if (performance.now() >= deadline) return undefined;
    await sleep(everyMs);
  }
}
