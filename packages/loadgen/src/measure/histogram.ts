import { build } from 'hdr-histogram-js';
import type { Histogram } from 'hdr-histogram-js';

/** Latencies in milliseconds. Percentiles are null where too few were measured to say them. */
export interface LatencySummary {
  n: number;
  p50Ms: number | null;
  p90Ms: number | null;
  p99Ms: number | null;
  /** Null below 10,000 measurements: fewer than ten of them would stand behind it. */
  p999Ms: number | null;
  maxMs: number | null;
}

const FEWEST_FOR_P999 = 10_000;
const MICROSECONDS = 1_000;
const HIGHEST_MICROSECONDS = 3_600_000_000;

/** Latencies with three significant digits, from 1 µs to an hour; nothing is ever averaged. */
export class LatencyHistogram {
  readonly #histogram: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: HIGHEST_MICROSECONDS,
    numberOfSignificantValueDigits: 3,
  });

  record(ms: number): void {
    const microseconds = Math.round(ms * MICROSECONDS);
    this.#histogram.recordValue(Math.min(Math.max(microseconds, 1), HIGHEST_MICROSECONDS));
  }

  summary(): LatencySummary {
    const n = this.#histogram.totalCount;
    const at = (percentile: number): number | null =>
      n === 0 ? null : this.#histogram.getValueAtPercentile(percentile) / MICROSECONDS;
    return {
      n,
      p50Ms: at(50),
      p90Ms: at(90),
      p99Ms: at(99),
      p999Ms: n < FEWEST_FOR_P999 ? null : at(99.9),
      maxMs: at(100),
    };
  }

  reset(): void {
    this.#histogram.reset();
  }
}
