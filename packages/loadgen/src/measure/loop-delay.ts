import { monitorEventLoopDelay } from 'node:perf_hooks';

/** How late the generator's own event loop was: its lateness would otherwise be blamed on the database. */
export interface GeneratorHealth {
  /** 99th percentile of the event loop's lateness, in milliseconds. */
  loopDelayP99Ms: number;
  /** True when that is over the limit: latencies then say more about the generator than about the database. */
  saturated: boolean;
}

/** The lateness, in milliseconds, from which the generator says that it is saturated. */
export const SATURATED_ABOVE_MS = 20;

const RESOLUTION_MS = 10;
const NANOSECONDS = 1e6;

export class LoopDelay {
  readonly #histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  start(): void {
    this.#histogram.enable();
  }

  stop(): GeneratorHealth {
    this.#histogram.disable();
    // Node measures the distance between two ticks of a timer, so the timer's own period is in every value.
    const late = this.#histogram.percentile(99) / NANOSECONDS - RESOLUTION_MS;
    const loopDelayP99Ms = Math.max(0, late);
    return { loopDelayP99Ms, saturated: loopDelayP99Ms > SATURATED_ABOVE_MS };
  }
}
