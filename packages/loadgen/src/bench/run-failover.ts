import type { ClusterEvent } from '@schooldb/local-cluster';
import { APPLICATION_NAME, OBSERVER_NAME, observing } from '../bed/bed.ts';
import { awaitWhole } from '../bed/await-whole.ts';
import { epochMs } from '../measure/clock.ts';
import { outageOf, ownShareMs } from '../measure/outage.ts';
import type { Outage } from '../measure/outage.ts';
import { OutageObserver } from '../measure/outage-observer.ts';
import { pause } from '../measure/pause.ts';
import type { Cleanup } from '../run/cleanup.ts';
import { prepareTables } from '../run/tables.ts';
import type { Prepared } from '../run/tables.ts';
import { check } from '../verify/checker.ts';
import type { CheckResult } from '../verify/checker.ts';
import { HistoryFile } from '../verify/history.ts';
import { awaitPrimary, awaitSilence, readStored, readWrites } from '../verify/read-back.ts';
import { BedLogs, benchBed } from './bench-bed.ts';
import type { ClusterBed } from '../bed/cluster-bed.ts';
import { failoverReport } from './failover-report.ts';
import type { FailoverOptions, FailoverReport, Kill } from './failover-report.ts';
import { connectsOf } from './server-log.ts';
import type { Connects } from './server-log.ts';
import { Writers } from './writers.ts';

export interface BenchContext {
  /** Ends the bench without a result. */
  signal: AbortSignal;
  /** Takes what has to be undone, whatever becomes of the bench. */
  cleanup: Cleanup;
  /** Hears one line as soon as there is something to tell. */
  say: (line: string) => void;
}

/** Enough for some hundred writes a second, and little enough for two cores that also run three servers. */
const THINK_MS = 100;
const MAX_CONNECTIONS = 20;
/** Undisturbed load before each fault, so that it meets a client at work. */
const SETTLE_MS = 1_000;
/** The observer is at work this long before a fault. */
const WATCH_BEFORE_MS = 300;
/** Where every second connection hangs an observer that waited a second for each would come late itself. */
const BLACKHOLE_CONNECT_LIMIT_MS = 250;
/** Beyond the promotion's own delay. */
const PROMOTION_LIMIT_MS = 60_000;
/** A client that has not written by then counts as not recovered. */
const RECOVERY_LIMIT_MS = 30_000;
const OBSERVE_ON_MS = 200;

/** Takes the primary away again and again under a load of writes, and measures the client's own share of each outage. */
export async function runFailover(
  options: FailoverOptions,
  context: BenchContext,
  tell: (kill: Kill) => void,
): Promise<FailoverReport> {
  const { cleanup, signal, say } = context;
  say('starting a cluster: one primary, 2 standbys, synchronous replication');
  const bed = await benchBed({ promoteAfterMs: options.promoteAfterMs, signal }, cleanup);
  const prepared = await prepareTables(bed.target, { wanted: false, rows: 0, seed: 1 });
  const history = new HistoryFile();
  cleanup.defer(() => history.close());
  const writers = await startWriters(bed, prepared, history.descriptor, options, cleanup);
  const kills = await killAgainAndAgain(bed, prepared, writers, options, context, tell);
  say('reading back');
  await awaitWhole(bed, signal);
  const { errors } = await writers.stop();
  return failoverReport({
    options,
    server: prepared.server.version,
    kills,
    errors: errors.reduce((sum, { n }) => sum + n, 0),
    errorKinds: errors,
    check: await readBack(bed, prepared, history.descriptor),
  });
}

async function startWriters(
  bed: ClusterBed,
  { ledger, exactlyOnce }: Prepared,
  history: number,
  { clients }: FailoverOptions,
  cleanup: Cleanup,
): Promise<Writers> {
  const writers = await Writers.start({
    driver: {
      target: bed.target,
      applicationName: APPLICATION_NAME,
      maxConnections: MAX_CONNECTIONS,
      exactlyOnce,
    },
    clients,
    thinkMs: THINK_MS,
    table: ledger,
    history,
  });
  cleanup.defer(() => writers.terminate());
  return writers;
}

async function killAgainAndAgain(
  bed: ClusterBed,
  prepared: Prepared,
  writers: Writers,
  options: FailoverOptions,
  { signal, cleanup }: BenchContext,
  tell: (kill: Kill) => void,
): Promise<Kill[]> {
  const events: ClusterEvent[] = [];
  cleanup.defer(bed.cluster.on((event) => events.push(event)));
  const observer = await startObserver(bed, prepared, options);
  cleanup.defer(() => observer.stop());
  const logs = new BedLogs(bed.cluster);
  const kills: Kill[] = [];
  for (let number = 1; number <= options.kills; number++) {
    await awaitWhole(bed, signal);
    await pause(SETTLE_MS, signal);
    signal.throwIfAborted();
    const kill = await killOnce(number, { bed, writers, observer, logs, events, options, signal });
    kills.push(kill);
    tell(kill);
  }
  return kills;
}

function startObserver(
  { target }: ClusterBed,
  { beat }: Prepared,
  { behind }: FailoverOptions,
): Promise<OutageObserver> {
  const { connectTimeoutMs: _, queryTimeoutMs: __, ...connection } = observing(target);
  return OutageObserver.start({
    connection: { ...connection, applicationName: OBSERVER_NAME },
    table: beat,
    ...(behind === 'blackhole' ? { connectLimitMs: BLACKHOLE_CONNECT_LIMIT_MS } : {}),
  });
}

interface Scene {
  bed: ClusterBed;
  writers: Writers;
  observer: OutageObserver;
  logs: BedLogs;
  events: readonly ClusterEvent[];
  options: FailoverOptions;
  signal: AbortSignal;
}

async function killOnce(number: number, scene: Scene): Promise<Kill> {
  const { bed, writers, observer, options, signal } = scene;
  const errorsBefore = writers.errors();
  observer.watch();
  await pause(WATCH_BEFORE_MS, signal);
  signal.throwIfAborted();
  const from = epochMs();
  // Until the cluster is made whole again: a label that is late for as long as that is common.
  if (options.behind === 'blackhole')
    await bed.cluster.fault('two-masters', { other: 'blackhole', choice: 'random', seed: number });
  const { target } = await bed.cluster.fault(options.fault);
  const promotedAt = await promotionAfter(from, scene);
  const recovered = await writers.succeedsAfter(promotedAt, RECOVERY_LIMIT_MS, signal);
  const outage = await outageSince(from, scene);
  const deadAt = writers.serverDeadSince(from);
  const gaps = writers.gapsSince(from);
  const connections = await connectionsSince(from, scene);
  return {
    number,
    target,
    clusterMs: outage?.to == null ? null : outage.to - from,
    // Where no fresh connection failed, whatever stall there was is the client's own.
    ownShareMs: recovered ? ownShareMs(outage ?? { from, to: from }, gaps) : null,
    detectionMs: deadAt === null ? null : deadAt - from,
    errors: writers.errors() - errorsBefore,
    ...connections,
  };
}

/** The client may have written before the observer could: it goes on until it has as well. */
async function outageSince(from: number, { observer, signal }: Scene): Promise<Outage | null> {
  for (const until = epochMs() + RECOVERY_LIMIT_MS; ;) {
    const outage = outageOf((await observer.attempts()).filter(({ startedAt }) => startedAt >= from));
    if (outage === null || outage.to !== null || epochMs() > until) return outage;
    observer.watch();
    await pause(OBSERVE_ON_MS, signal);
    signal.throwIfAborted();
  }
}

async function promotionAfter(from: number, { events, options, signal }: Scene): Promise<number> {
  const limitMs = options.promoteAfterMs + PROMOTION_LIMIT_MS;
  for (const until = epochMs() + limitMs; epochMs() < until;) {
    signal.throwIfAborted();
    const promoted = events.find(({ type, at }) => type === 'primary:promoted' && at >= from);
    if (promoted !== undefined) return promoted.at;
    await pause(10, signal);
  }
  throw new Error(`nobody was promoted within ${limitMs} ms: ${events.at(-1)?.detail ?? 'no event'}`);
}

/** What the servers wrote down of the library since then; of the server that took most. */
async function connectionsSince(
  from: number,
  { logs }: Scene,
): Promise<{ connects: Connects; tooManyClients: number }> {
  const now = epochMs();
  const all = [...(await logs.read()).values()];
  const connects = all
    .map(({ connections }) => connectsOf(connections, APPLICATION_NAME, from, now))
    .reduce((most, one) => (one.total > most.total ? one : most));
  const refusals = all.flatMap((log) => log.refusals).filter((at) => at >= from && at < now);
  return { connects, tooManyClients: refusals.length };
}

async function readBack(bed: ClusterBed, { ledger }: Prepared, history: number): Promise<CheckResult> {
  const connection = await awaitPrimary(bed, PROMOTION_LIMIT_MS);
  try {
    await awaitSilence(connection);
    return check(await readWrites(history), await readStored(connection, ledger));
  } finally {
    connection.destroy();
  }
}
