import type { ScheduledFault } from './fault-schedule.ts';
import type { DriverName } from '../drivers/driver.ts';
import type { WorkloadName } from '../workloads/workload.ts';

export type FaultPace = 'on-time' | 'one-at-a-time' | 'in-turn';

/** One run of the load. All of it is needed: the command line holds the defaults. */
export interface RunOptions {
  driver: DriverName;
  workload: WorkloadName;
  /** Simulated clients, 1 or more. */
  clients: number;
  /** The pause of a client between an answer and its next operation, in milliseconds. */
  thinkMs: number;
  durationMs: number;
  /** Connections per endpoint; the naive driver ignores it. */
  maxConnections: number;
  /** Rows of `testdaten`, where it has to be made. */
  rows: number;
  /** Of the operations' mix and of the seeded rows. */
  seed: number;
  faults: readonly ScheduledFault[];
  /**
   * `on-time`: each fault at its moment, whatever is still broken. `one-at-a-time`: at its moment, or later, when the
   * cluster is whole again. `in-turn`: over and over until the load ends, each `atMs` after the cluster is whole.
   */
  pace: FaultPace;
  promoteAfterMs: number;
  /** Whether the ledger is read back and judged. */
  verify: boolean;
  /** Whether the run's tables stay in the database. */
  keep: boolean;
}
