/** The worker thread of `bench failover`: clients that do nothing but write, each row exactly once. */
import { parentPort, workerData } from 'node:worker_threads';
import { DRAIN_MS } from '../drivers/new-driver.ts';
import type { DriverPlan } from '../drivers/new-driver.ts';
import { SchoolDbDriver } from '../drivers/schooldb-driver.ts';
import { runClosedLoop } from '../load/closed-loop.ts';
import { epochMs } from '../measure/clock.ts';
import type { Gap } from '../measure/gaps.ts';
import { Recorder } from '../measure/recorder.ts';
import type { Counts, ErrorTally } from '../measure/recorder.ts';
import { HistoryWriter } from '../verify/history.ts';
import { LedgerWorkload } from '../workloads/ledger.ts';
import { StalenessTally } from '../workloads/staleness.ts';

export interface WriteThreadPlan {
  driver: Omit<DriverPlan, 'name'>;
  clients: number;
  thinkMs: number;
  table: string;
  /** The descriptor of the history. */
  history: number;
}

export interface WriteProgress {
  counts: Counts;
  /** Milliseconds since 1970. */
  lastSuccessAt: number;
  /** Times without a successful write that have ended since the last message. */
  gaps: readonly Gap[];
}

export type FromWriteThread =
  | { type: 'started' }
  | { type: 'progress'; progress: WriteProgress }
  /** The library has found a silent server dead. */
  | { type: 'server-dead'; at: number }
  | { type: 'done'; counts: Counts; errors: ErrorTally[] };
export type ToWriteThread = { type: 'stop' };

const PROGRESS_EVERY_MS = 50;
/** Nothing but the time at which a write succeeds matters. */
const READ_RATIO = 0;

const port = parentPort;
if (port === null) throw new Error('write-thread.ts is started as a worker thread by writers.ts');
const tell = (message: FromWriteThread): void => port.postMessage(message);
const stop = new AbortController();
port.on('message', () => stop.abort());

const { driver: to, clients, thinkMs, table, history: historyFile } = workerData as WriteThreadPlan;
const history = new HistoryWriter(historyFile);
const driver = new SchoolDbDriver(to.target, to.applicationName, to.maxConnections, to.exactlyOnce);
driver.onServerDead(() => tell({ type: 'server-dead', at: epochMs() }));
const workload = new LedgerWorkload(table, history, new StalenessTally(), READ_RATIO);
const recorder = new Recorder(workload.pulse, epochMs());
let told = 0;
const reporting = setInterval(() => {
  const { lastSuccessAt, gaps } = recorder.pulse();
  tell({ type: 'progress', progress: { counts: recorder.counts(), lastSuccessAt, gaps: gaps.slice(told) } });
  told = gaps.length;
}, PROGRESS_EVERY_MS);
tell({ type: 'started' });
await runClosedLoop(driver, workload, recorder, {
  clients,
  thinkMs,
  seed: 1,
  drainMs: DRAIN_MS.schooldb,
  signal: stop.signal,
});
clearInterval(reporting);
await driver.close();
const { counts, errors } = recorder.measured(epochMs());
tell({ type: 'done', counts, errors });
port.close();
