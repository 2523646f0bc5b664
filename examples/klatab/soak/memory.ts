/** Whether a process needs more and more memory: told by its trend, because single samples go up and down. */

/** What a process needs until everybody has been everywhere once is no growth. */
export const WARM_UP_MINUTES = 2;
/** Two in each third. */
const LEAST_SAMPLES = 6;
const TOLERATED_RATIO = 0.1;
/** Of a small heap 10 % are less than what its lists and caches differ by. */
const TOLERATED_BYTES = 4 * 2 ** 20;

export interface MemorySample {
  /** Since the crowd went to work. */
  readonly minute: number;
  /** In use after a garbage collection. */
  readonly heapBytes: number;
  readonly residentBytes: number;
}

export type Trend =
  | { readonly verdict: 'too few samples' }
  | {
      readonly verdict: 'flat' | 'grows';
      /** Medians of the first and the last third. */
      readonly firstBytes: number;
      readonly lastBytes: number;
      /** What the last may be at most. */
      readonly limitBytes: number;
    };

/** @param samples - in the order of time, those of the warm-up left out. */
export function trendOf(samples: readonly number[]): Trend {
  if (samples.length < LEAST_SAMPLES) return { verdict: 'too few samples' };
  const third = Math.floor(samples.length / 3);
  const firstBytes = median(samples.slice(0, third));
  const lastBytes = median(samples.slice(-third));
  const limitBytes = firstBytes + Math.max(firstBytes * TOLERATED_RATIO, TOLERATED_BYTES);
  return { verdict: lastBytes > limitBytes ? 'grows' : 'flat', firstBytes, lastBytes, limitBytes };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? NaN;
  const lower = sorted[Math.floor((sorted.length - 1) / 2)] ?? NaN;
  return (lower + upper) / 2;
}

export function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
