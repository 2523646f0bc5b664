import type { Bed } from '../bed/bed.ts';
import { longestOf } from '../measure/gaps.ts';
import { outageOf, ownShareMs } from '../measure/outage.ts';
import type { Counts } from '../measure/recorder.ts';
import type { FaultRecord } from './fault-runner.ts';
import type { RunOptions } from '../options/run-options.ts';
import type { Observed } from './observed.ts';
import type { FaultReport, RunReport } from './run-report.ts';
import type { Prepared } from './tables.ts';
import type { Verified } from './verify-run.ts';

const MS_PER_SECOND = 1_000;

export function buildReport(
  bed: Bed,
  options: RunOptions,
  prepared: Prepared,
  observed: Observed,
  verified: Verified,
): RunReport {
  const { load, connections, events, interrupted } = observed;
  const { operations, errors } = totals(load.counts);
  const seconds = (load.endedAt - load.startedAt) / MS_PER_SECOND;
  return {
    bed: bed.description,
    options,
    exactlyOnce: options.driver === 'schooldb' && prepared.exactlyOnce,
    server: prepared.server,
    startedAt: load.startedAt,
    endedAt: load.endedAt,
    interrupted,
    operations,
    operationsPerSecond: seconds > 0 ? operations / seconds : 0,
    errors,
    counts: load.counts,
    errorKinds: load.errors,
    latency: load.latency,
    longestStallMs: longestOf(load.gaps),
    longestOperation: load.longestOperation,
    connections: { ...connections, budget: budgetOf(bed, options) },
    faults: observed.faults.map((fault, index) => faultReport(fault, observed.faults[index + 1], observed)),
    outsideFault: outsideFaultReport(observed),
    failovers: verified.failovers ?? events.filter(({ type }) => type === 'primary:promoted').length,
    events,
    staleness: load.staleness,
    generator: load.generator,
    intervals: load.intervals,
    verification: verified.verification,
  };
}

export function totals(counts: Counts): { operations: number; errors: number } {
  let operations = 0;
  let successes = 0;
  for (const outcomes of Object.values(counts)) {
    operations += Object.values(outcomes).reduce((sum, n) => sum + n, 0);
    successes += outcomes.ok + outcomes['ok-dedup'];
  }
  return { operations, errors: operations - successes };
}

/** The connections that the driver may hold at all servers together; the naive driver has no budget. */
function budgetOf({ target }: Bed, { driver, maxConnections }: RunOptions): number | null {
  if (driver === 'naive') return null;
  const endpoints = driver === 'schooldb' && target.replica !== null ? 2 : 1;
  return endpoints * maxConnections;
}

/** By its middle: the stall that the next fault causes begins a moment before it, with the last success. */
function isWithin(at: number, from: number, to: number): boolean {
  return at >= from && at < to;
}

/** Looks at what happened between this fault and the next. */
function faultReport(
  fault: FaultRecord,
  next: FaultRecord | undefined,
  { attempts, load, events }: Observed,
): FaultReport {
  const from = fault.requestedAt;
  if (from === null) return { ...fault, outageMs: null, stallMs: null, promotionMs: null, ownShareMs: null };
  const to = next?.requestedAt ?? Infinity;
  const outage = outageOf(attempts.filter(({ startedAt }) => startedAt >= from && startedAt < to));
  const promoted = events.find(({ type, at }) => type === 'primary:promoted' && at >= from && at < to);
  return {
    ...fault,
    outageMs: outage?.to == null ? null : outage.to - outage.from,
    stallMs: longestOf(load.gaps.filter((gap) => isWithin((gap.from + gap.to) / 2, from, to))),
    promotionMs: promoted === undefined ? null : promoted.at - from,
    ownShareMs: outage === null ? null : ownShareMs(outage, load.gaps),
  };
}

/** A gap that it fell into counts from the fault on: what was before it is not its doing. */
function outsideFaultReport({ outsideFaultAt: startedAt, load }: Observed): RunReport['outsideFault'] {
  if (startedAt === null) return null;
  const after = load.gaps.filter(({ to }) => to > startedAt);
  return {
    startedAt,
    stallMs: longestOf(after.map(({ from, to }) => ({ from: Math.max(from, startedAt), to }))),
  };
}
