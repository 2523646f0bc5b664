import type { ClusterEvent } from '@schooldb/local-cluster';
import type { GeneratorHealth } from '../measure/loop-delay.ts';
import type { Counts, ErrorTally, Interval, KindLatency } from '../measure/recorder.ts';
import type { ConnectionsSeen } from '../measure/server-watch.ts';
import type { CheckResult } from '../verify/checker.ts';
import type { Judgement } from '../verify/verdict.ts';
import type { Staleness } from '../workloads/staleness.ts';
import type { OperationKind } from '../workloads/workload.ts';
import type { FaultRecord } from './fault-runner.ts';
import type { RunOptions } from '../options/run-options.ts';
import type { ServerSettings } from './tables.ts';

export interface FaultReport extends FaultRecord {
  /** How long no fresh connection to the master address could write, in milliseconds; null when it always could. */
  outageMs: number | null;
  /** The longest time without a success of any client through the driver, up to the next fault; in milliseconds. */
  stallMs: number | null;
  /** From the fault to the promotion of a standby, in milliseconds; null when none was promoted. */
  promotionMs: number | null;
  /**
   * The client's own part of the stall: first success through the driver after the first write of a fresh connection,
   * in milliseconds; null when there was no outage.
   */
  ownShareMs: number | null;
}

export interface OutsideFaultReport {
  startedAt: number;
  /** From it on, the longest time without a success of any client through the driver, in milliseconds. */
  stallMs: number;
}

/** Everything that one run found. Moments are milliseconds since 1970. */
export interface RunReport {
  bed: string;
  options: RunOptions;
  exactlyOnce: boolean;
  server: ServerSettings;
  startedAt: number;
  endedAt: number;
  /** True when the load was ended before its time. */
  interrupted: boolean;
  operations: number;
  operationsPerSecond: number;
  /** Operations that did not end in a plain success, unknown outcomes included. */
  errors: number;
  counts: Counts;
  errorKinds: ErrorTally[];
  latency: Record<OperationKind, KindLatency>;
  /** The longest time without a success of any client (writes; reads where the workload does not write), in ms. */
  longestStallMs: number;
  longestOperation: { kind: OperationKind; ms: number } | null;
  connections: ConnectionsSeen & { budget: number | null };
  faults: FaultReport[];
  /** The fault that somebody else made; null where there was none. */
  outsideFault: OutsideFaultReport | null;
  failovers: number;
  events: ClusterEvent[];
  staleness: Staleness;
  generator: GeneratorHealth;
  intervals: Interval[];
  /** Null when nothing was read back: the workload writes nothing, or it was not wanted. */
  verification: Verification | null;
}

export interface Verification extends Judgement {
  /** Null when the database could not be read back. */
  check: CheckResult | null;
}
