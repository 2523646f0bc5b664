/** The worker thread that puts the load on: nothing else runs on the event loop that measures. */
import { parentPort, workerData } from 'node:worker_threads';
import { setTimeout } from 'node:timers/promises';
import { DRAIN_MS, newDriver } from '../drivers/new-driver.ts';
import type { Driver } from '../drivers/driver.ts';
import { epochMs } from '../measure/clock.ts';
import { LoopDelay } from '../measure/loop-delay.ts';
import { Recorder } from '../measure/recorder.ts';
import type { Interval } from '../measure/recorder.ts';
import { HistoryWriter } from '../verify/history.ts';
import { LedgerWorkload } from '../workloads/ledger.ts';
import { randomRow } from '../workloads/random-row.ts';
import { StalenessTally } from '../workloads/staleness.ts';
import type { Workload } from '../workloads/workload.ts';
import { runClosedLoop } from './closed-loop.ts';
import type { FromLoadThread, LoadPlan, LoadResult, ToLoadThread } from './messages.ts';

const PROGRESS_EVERY_MS = 250;
const INTERVAL_MS = 1_000;
const CLOSE_LIMIT_MS = 2_000;

const port = parentPort;
if (port === null) throw new Error('load-thread.ts is started as a worker thread by start-load.ts');
const tell = (message: FromLoadThread): void => port.postMessage(message);

const stop = new AbortController();
port.on('message', (message: ToLoadThread) => {
  if (message.type === 'stop') stop.abort();
});

const plan = workerData as LoadPlan;
tell({ type: 'done', result: await putLoadOn(plan) });
port.close();

async function putLoadOn(plan: LoadPlan): Promise<LoadResult> {
  const history = plan.ledger === null ? null : new HistoryWriter(plan.ledger.history);
  const staleness = new StalenessTally();
  const workload: Workload =
    history === null ? randomRow : new LedgerWorkload(plan.ledger!.table, history, staleness);
  const driver = newDriver(plan.driver);
  const startedAt = epochMs();
  const recorder = new Recorder(workload.pulse, startedAt);
  const intervals: Interval[] = [];
  const loopDelay = new LoopDelay();

  loopDelay.start();
  tell({ type: 'started', at: startedAt });
  const reporting = setInterval(() => report(recorder, intervals, startedAt), PROGRESS_EVERY_MS);
  const ended = endOfLoad(plan.durationMs);
  const { clients, thinkMs, seed } = plan;
  const drainMs = DRAIN_MS[plan.driver.name];
  const load = runClosedLoop(driver, workload, recorder, {
    clients,
    thinkMs,
    seed,
    drainMs,
    signal: stop.signal,
  });
  const endedAt = await ended;
  const generator = loopDelay.stop();
  tell({ type: 'ended' });
  await load;
  clearInterval(reporting);
  await close(driver);
  return {
    ...recorder.measured(endedAt),
    startedAt,
    endedAt,
    intervals,
    staleness: staleness.summary(),
    generator,
  };
}

/** Resolves with the moment at which the load ended, by its duration or because it was told to. */
async function endOfLoad(durationMs: number): Promise<number> {
  await setTimeout(durationMs, undefined, { signal: stop.signal }).catch(() => {});
  stop.abort();
  return epochMs();
}

function report(recorder: Recorder, intervals: Interval[], startedAt: number): void {
  const at = epochMs();
  const fresh: Interval[] = [];
  if (at - (intervals.at(-1)?.at ?? startedAt) >= INTERVAL_MS) fresh.push(recorder.nextInterval(at));
  intervals.push(...fresh);
  tell({ type: 'progress', counts: recorder.counts(), intervals: fresh });
}

/** A driver that does not close in time keeps sockets; the thread ends anyway, and they with it. */
async function close(driver: Driver): Promise<void> {
  const closed = driver.close().catch(() => {});
  await Promise.race([closed, setTimeout(CLOSE_LIMIT_MS, undefined, { ref: false })]);
}
