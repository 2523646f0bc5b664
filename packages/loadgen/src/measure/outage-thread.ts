/** The worker thread that keeps trying to write over a fresh connection while a fault is on. */
import { setInterval } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { PlainConnection } from '../drivers/plain-connection.ts';
import type { PlainConnectionOptions } from '../drivers/plain-connection.ts';
import { epochMs } from './clock.ts';
import type { Attempt } from './outage.ts';
import { ATTEMPT_LIMIT_MS, outageOf } from './outage.ts';

export interface OutageThreadPlan {
  connection: Omit<PlainConnectionOptions, 'connectTimeoutMs' | 'queryTimeoutMs'>;
  /** A table of the observer's own with one column `at timestamptz default clock_timestamp()`. */
  table: string;
  /**
   * An attempt to connect is given up then, in milliseconds; less where every second one is known to hang.
   * @defaultValue 1000
   */
  connectLimitMs?: number;
}
export type ToOutageThread = { type: 'watch' } | { type: 'finish' };
export type FromOutageThread = { type: 'ready' } | { type: 'attempts'; attempts: Attempt[] };

const ATTEMPT_EVERY_MS = 25;
/**
 * Attempts overlap, so that one that hangs does not hide the recovery. While they hang one starts every 100 ms: more
 * would shake hands all at once when a held line is let go.
 */
const MOST_OPEN = 10;
/** A write that waits for its standby holds a server process, even after we hung up: never pile them up. */
const MOST_WRITING = 4;
/** A fault that has not cut anything off by then does not. */
const QUIET_MS = 5_000;

const port = parentPort;
if (port === null) throw new Error('outage-thread.ts is started as a worker thread by outage-observer.ts');
const tell = (message: FromOutageThread): void => port.postMessage(message);
const { connection, table, connectLimitMs = ATTEMPT_LIMIT_MS } = workerData as OutageThreadPlan;

const attempts: Attempt[] = [];
const open = new Set<Promise<void>>();
let writing = 0;
let watchedSince: number | null = null;

port.on('message', (message: ToOutageThread) => {
  if (message.type === 'watch') {
    watchedSince = epochMs();
  } else void finish();
});

// One round before it counts: the first attempt of a thread also loads and compiles code.
await attempt();
attempts.length = 0;
tell({ type: 'ready' });
for await (const _ of setInterval(ATTEMPT_EVERY_MS)) {
  if (watchedSince !== null && isSeen(watchedSince)) watchedSince = null;
  if (watchedSince !== null && open.size < MOST_OPEN && writing < MOST_WRITING) {
    const running = attempt().finally(() => open.delete(running));
    open.add(running);
  }
}

async function attempt(): Promise<void> {
  const startedAt = epochMs();
  const ok = await write().catch(() => false);
  attempts.push({ startedAt, endedAt: epochMs(), ok });
}

/** Whether the outage that began since then is over, or none has begun for long enough. */
function isSeen(since: number): boolean {
  const outage = outageOf(attempts.filter(({ startedAt }) => startedAt >= since));
  return outage === null ? epochMs() - since > QUIET_MS : outage.to !== null;
}

async function write(): Promise<boolean> {
  const limits = { connectTimeoutMs: connectLimitMs, queryTimeoutMs: ATTEMPT_LIMIT_MS };
  const fresh = await PlainConnection.open({ ...connection, ...limits });
  writing++;
  try {
    const { warned } = await fresh.query(`insert into ${table} default values`);
    return !warned;
  } finally {
    writing--;
    fresh.destroy();
  }
}

async function finish(): Promise<void> {
  watchedSince = null;
  await Promise.all(open);
  tell({ type: 'attempts', attempts });
}
