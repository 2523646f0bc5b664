import { APPLICATION_NAME, OBSERVER_NAME, observing } from '../bed/bed.ts';
import type { Bed } from '../bed/bed.ts';
import type { ClusterBed } from '../bed/cluster-bed.ts';
import { startLoad } from '../load/start-load.ts';
import type { RunningLoad } from '../load/start-load.ts';
import type { LoadResult } from '../load/messages.ts';
import { OutageObserver } from '../measure/outage-observer.ts';
import { ServerWatch } from '../measure/server-watch.ts';
import type { ClusterEvent } from '@schooldb/local-cluster';
import { Cleanup } from './cleanup.ts';
import { buildReport } from './build-report.ts';
import { FaultRunner } from './fault-runner.ts';
import type { RunListener } from './listener.ts';
import type { Observed } from './observed.ts';
import type { RunOptions } from '../options/run-options.ts';
import type { RunReport } from './run-report.ts';
import { dropTables, prepareTables } from './tables.ts';
import type { Prepared } from './tables.ts';
import { HistoryFile } from '../verify/history.ts';
import { verifyRun } from './verify-run.ts';

const LISTEN_EVERY_MS = 250;

export interface RunContext {
  listener: RunListener;
  /** Ends the load early; what was done until then is still verified and reported. */
  signal: AbortSignal;
  /** Takes what has to be undone if the program ends in the middle of the run. */
  cleanup: Cleanup;
  /** @defaultValue none */
  outside?: OutsideFault;
  /** Whose the run is, as its tables say: for {@link dropAbandoned}. @defaultValue nobody's */
  owner?: string;
}

/** A fault that the run does not make: somebody else does it to the target, and knows when enough was seen of it. */
export interface OutsideFault {
  /** When it began, in milliseconds since 1970; null where it did not. Asked once, after the load. */
  startedAt(): number | null;
  /** Ends the load as its time would. */
  readonly enough: AbortSignal;
}

/**
 * Puts the load on, makes the faults, reads the database back and judges.
 *
 * @throws TargetError when the database cannot be reached or prepared.
 */
export async function runLoad(bed: Bed, options: RunOptions, context: RunContext): Promise<RunReport> {
  const cleanup = new Cleanup();
  context.cleanup.defer(() => cleanup.run());
  try {
    return await runAndJudge(bed, options, { ...context, cleanup });
  } finally {
    await cleanup.run();
  }
}

async function runAndJudge(bed: Bed, options: RunOptions, context: RunContext): Promise<RunReport> {
  const { listener, cleanup, owner } = context;
  listener.stage('preparing tables');
  const { rows, seed, workload } = options;
  const wanted = workload === 'random-row' || bed.cluster !== null;
  const prepared = await prepareTables(bed.target, { wanted, rows, seed }, owner);
  // An embedded cluster goes with its tables.
  if (bed.cluster === null && !options.keep) cleanup.defer(() => tidyUp(bed, prepared, listener));

  const history = new HistoryFile();
  cleanup.defer(() => history.close());
  const observed = await observe(bed, options, prepared, history.descriptor, context);
  const verified = await verifyRun(bed, options, prepared, history.descriptor, observed, listener);
  if (verified.verification?.verdict === 'violation')
    listener.warning(`the history of this run is kept in ${await history.keep()}`);
  listener.stage('done');
  return buildReport(bed, options, prepared, observed, verified);
}

async function tidyUp({ target }: Bed, prepared: Prepared, listener: RunListener): Promise<void> {
  try {
    await dropTables(target, prepared);
  } catch (error) {
    const { ledger, beat } = prepared;
    listener.warning(`${ledger} and ${beat} are left in the database: ${(error as Error).message}`);
  }
}

/** Runs the load with everything that watches it. */
async function observe(
  bed: Bed,
  options: RunOptions,
  prepared: Prepared,
  history: number,
  context: RunContext,
): Promise<Observed> {
  const watchers = new Cleanup();
  context.cleanup.defer(() => watchers.run());
  try {
    return await observeWith(watchers, bed, options, prepared, history, context);
  } finally {
    await watchers.run();
  }
}

async function observeWith(
  watchers: Cleanup,
  bed: Bed,
  options: RunOptions,
  prepared: Prepared,
  history: number,
  { listener, signal, outside }: RunContext,
): Promise<Observed> {
  const events: ClusterEvent[] = [];
  const unsubscribe = bed.cluster?.on((event) => {
    events.push(event);
    listener.event(event);
  });
  watchers.defer(() => unsubscribe?.());
  const watch = new ServerWatch(bed.servers, APPLICATION_NAME);
  watchers.defer(() => watch.stop());
  const listening = setInterval(() => listener.servers(watch.latest()), LISTEN_EVERY_MS);
  watchers.defer(() => clearInterval(listening));
  const observer = options.faults.length === 0 ? null : await startObserver(bed, prepared);
  watchers.defer(() => observer?.stop());

  let faults: FaultRunner | null = null;
  listener.stage('load');
  const load = await startLoad(loadPlan(bed, options, prepared, history), {
    progress: (counts, intervals) => listener.progress(counts, intervals),
    ended: () => {
      listener.stage('waiting for what is under way');
      void faults?.end();
    },
  });
  watchers.defer(() => load.terminate());
  listener.loadStarted(load.startedAt);
  if (hasCluster(bed)) faults = new FaultRunner(bed, options, load.startedAt, () => observer?.watch());
  const result = await untilStopped(load, listener, signal, outside?.enough);
  await faults?.end();
  return {
    load: result,
    faults: faults?.records ?? [],
    attempts: (await observer?.attempts()) ?? [],
    connections: watch.seen(),
    events,
    interrupted: signal.aborted,
    outsideFaultAt: outside?.startedAt() ?? null,
  };
}

function hasCluster(bed: Bed): bed is ClusterBed {
  return bed.cluster !== null;
}

async function untilStopped(
  load: RunningLoad,
  listener: RunListener,
  signal: AbortSignal,
  enough: AbortSignal | undefined,
): Promise<LoadResult> {
  const stop = (): void => {
    listener.warning('the load was ended early; what was done is still verified');
    load.stop();
  };
  const end = (): void => load.stop();
  if (signal.aborted) stop();
  if (enough?.aborted === true) end();
  signal.addEventListener('abort', stop, { once: true });
  enough?.addEventListener('abort', end, { once: true });
  try {
    return await load.result;
  } finally {
    enough?.removeEventListener('abort', end);
    signal.removeEventListener('abort', stop);
  }
}

function startObserver({ target }: Bed, { beat }: Prepared): Promise<OutageObserver> {
  const { connectTimeoutMs: _, queryTimeoutMs: __, ...connection } = observing(target);
  return OutageObserver.start({ connection: { ...connection, applicationName: OBSERVER_NAME }, table: beat });
}

function loadPlan(bed: Bed, options: RunOptions, prepared: Prepared, history: number) {
  const { driver, workload, clients, thinkMs, durationMs, seed, maxConnections } = options;
  return {
    driver: {
      name: driver,
      target: bed.target,
      applicationName: APPLICATION_NAME,
      maxConnections,
      exactlyOnce: prepared.exactlyOnce,
    },
    workload,
    clients,
    thinkMs,
    durationMs,
    seed,
    ledger: workload === 'ledger' ? { table: prepared.ledger, history } : null,
  };
}
