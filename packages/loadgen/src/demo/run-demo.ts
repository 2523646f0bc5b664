import type { Bed } from '../bed/bed.ts';
import type { DriverName } from '../drivers/driver.ts';
import { leadsToFailover } from '../options/fault-schedule.ts';
import type { ScheduledFault } from '../options/fault-schedule.ts';
import type { RunOptions } from '../options/run-options.ts';
import type { RunListener } from '../run/listener.ts';
import { runLoad } from '../run/run-load.ts';
import type { RunContext } from '../run/run-load.ts';
import type { RunReport } from '../run/run-report.ts';
import { awaitWhole } from '../bed/await-whole.ts';
import { judgePromise } from './demo-report.ts';
import type { DemoReport } from './demo-report.ts';

export interface DemoOptions {
  fault: ScheduledFault['name'];
  faultAtMs: number;
  promoteAfterMs: number;
  clients: number;
  thinkMs: number;
  durationMs: number;
  maxConnections: number;
}

export interface DemoListener {
  /** Gives the listener of one run; `end` is called when the run is over. */
  runStarted(driver: DriverName): RunListener & { end(): void };
  waiting(text: string): void;
}

export interface DemoContext extends Omit<RunContext, 'listener'> {
  listener: DemoListener;
}

/** Without an undo a network fault never ends; this is how long it lasts in the demo. */
const NETWORK_FAULT_MS = 5_000;

/**
 * The same load with the same fault twice on one cluster: with plain pg, then with SchoolDB. Returns the report of the
 * first run alone when it was told to end before the second.
 */
export async function runDemo(
  bed: Bed,
  options: DemoOptions,
  context: DemoContext,
): Promise<DemoReport | { pg: RunReport }> {
  const { listener, signal } = context;
  const pg = await oneRun('pg', bed, options, context);
  if (signal.aborted) return { pg };
  listener.waiting('waiting until the cluster is whole again');
  await awaitWhole(bed, signal);
  if (signal.aborted) return { pg };
  const schooldb = await oneRun('schooldb', bed, options, context);
  return { pg, schooldb, kept: judgePromise(schooldb) };
}

async function oneRun(
  driver: DriverName,
  bed: Bed,
  options: DemoOptions,
  { listener, signal, cleanup }: DemoContext,
): Promise<RunReport> {
  const progress = listener.runStarted(driver);
  try {
    return await runLoad(bed, runOptions(driver, options), { listener: progress, signal, cleanup });
  } finally {
    progress.end();
  }
}

function runOptions(driver: DriverName, options: DemoOptions): RunOptions {
  const { fault, faultAtMs, promoteAfterMs, clients, thinkMs, durationMs, maxConnections } = options;
  const scheduled: ScheduledFault = { name: fault, options: {}, atMs: faultAtMs, forMs: null };
  const healsItself = leadsToFailover(scheduled, promoteAfterMs) || fault === 'restart';
  return {
    driver,
    workload: 'ledger',
    clients,
    thinkMs,
    durationMs,
    maxConnections,
    rows: 10_000,
    seed: 1,
    faults: [{ ...scheduled, forMs: healsItself ? null : NETWORK_FAULT_MS }],
    pace: 'on-time',
    promoteAfterMs,
    verify: true,
    keep: false,
  };
}
