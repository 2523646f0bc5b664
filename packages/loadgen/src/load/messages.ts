import type { DriverPlan } from '../drivers/new-driver.ts';
import type { GeneratorHealth } from '../measure/loop-delay.ts';
import type { Counts, Interval, Measured } from '../measure/recorder.ts';
import type { Staleness } from '../workloads/staleness.ts';
import type { WorkloadName } from '../workloads/workload.ts';

/** What the load thread is started with. */
export interface LoadPlan {
  driver: DriverPlan;
  workload: WorkloadName;
  clients: number;
  thinkMs: number;
  durationMs: number;
  seed: number;
  /** Where the ledger writes, and the descriptor of its history; null for workloads without one. */
  ledger: { table: string; history: number } | null;
}

export interface LoadResult extends Measured {
  /** Milliseconds since 1970. */
  startedAt: number;
  /** When the load ended; answers to what was under way came later. */
  endedAt: number;
  intervals: Interval[];
  staleness: Staleness;
  generator: GeneratorHealth;
}

export type FromLoadThread =
  | { type: 'started'; at: number }
  | { type: 'progress'; counts: Counts; intervals: Interval[] }
  /** No new operations from here on; those under way are waited for. */
  | { type: 'ended' }
  | { type: 'done'; result: LoadResult };

export type ToLoadThread = { type: 'stop' };
