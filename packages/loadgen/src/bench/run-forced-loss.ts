import { awaitWhole } from '../bed/await-whole.ts';
import { APPLICATION_NAME } from '../bed/bed.ts';
import { clusterBed } from '../bed/cluster-bed.ts';
import type { ClusterBed } from '../bed/cluster-bed.ts';
import { openMaster } from '../bed/open-master.ts';
import { succeeded } from '../drivers/driver.ts';
import { PlainConnection } from '../drivers/plain-connection.ts';
import type { PlainConnectionOptions } from '../drivers/plain-connection.ts';
import { SchoolDbDriver } from '../drivers/schooldb-driver.ts';
import { epochMs } from '../measure/clock.ts';
import { pause } from '../measure/pause.ts';
import { seededRandom } from '../measure/random.ts';
import type { Random } from '../measure/random.ts';
import { prepareTables } from '../run/tables.ts';
import type { Prepared } from '../run/tables.ts';
import { check } from '../verify/checker.ts';
import type { CheckResult } from '../verify/checker.ts';
import { HistoryFile, HistoryWriter } from '../verify/history.ts';
import { awaitPrimary, awaitSilence, readStored, readWrites } from '../verify/read-back.ts';
import { LedgerWorkload } from '../workloads/ledger.ts';
import { StalenessTally } from '../workloads/staleness.ts';
import type { Script } from '../workloads/workload.ts';
import { MODES, forcedLossReport, lossOf } from './forced-loss-report.ts';
import type { ForcedLoss, ForcedLossOptions, ForcedLossReport, Mode } from './forced-loss-report.ts';
import type { BenchContext } from './run-failover.ts';

const REPLICAS = 2;
const MAX_CONNECTIONS = 20;
/** Clients that write; each does one write at a time. */
const WRITERS = 10;
const MOST_BEFORE = 50;
const MOST_WHILE_CUT = 100;
/** Beyond the promotion's own delay. */
const PROMOTION_LIMIT_MS = 60_000;
const REPLAY_LIMIT_MS = 30_000;
/** Writes that must not be acknowledged are watched for so long. */
const WATCHED_MS = 1_000;
const LOOK_MS = 20;

/**
 * Cuts replication, sends K writes, kills the primary and lets a standby take over, again and again: what was
 * acknowledged in asynchronous mode must be reported as lost, to the write, and in synchronous mode nothing.
 */
export async function runForcedLoss(
  options: ForcedLossOptions,
  context: BenchContext,
  tell: (loss: ForcedLoss) => void,
): Promise<ForcedLossReport> {
  const losses: ForcedLoss[] = [];
  const random = seededRandom(options.seed);
  context.say(`seed ${options.seed}`);
  let server = '';
  for (const mode of MODES) {
    const bed = await startBed(mode, options, context);
    for (let number = 1; number <= options.runs; number++) {
      await awaitWhole(bed, context.signal);
      context.signal.throwIfAborted();
      const run = await loseOnce({ mode, number, bed, options, random, signal: context.signal });
      server = run.server;
      losses.push(run.loss);
      tell(run.loss);
    }
    await bed.close();
  }
  return forcedLossReport(options, server, losses);
}

async function startBed(
  mode: Mode,
  { engine, promoteAfterMs }: ForcedLossOptions,
  { cleanup, signal, say }: BenchContext,
): Promise<ClusterBed> {
  say(`starting a cluster: one primary, ${REPLICAS} standbys, ${mode} replication`);
  const synchronous = mode === 'synchronous';
  const bed = await clusterBed({ engine, replicas: REPLICAS, synchronous, promoteAfterMs, signal });
  cleanup.defer(() => bed.close());
  return bed;
}

interface Scene {
  mode: Mode;
  number: number;
  bed: ClusterBed;
  options: ForcedLossOptions;
  random: Random;
  signal: AbortSignal;
}

async function loseOnce(scene: Scene): Promise<{ server: string; loss: ForcedLoss }> {
  const { mode, number, bed, random } = scene;
  const before = upTo(random, MOST_BEFORE);
  const whileCut = upTo(random, MOST_WHILE_CUT);
  const prepared = await prepareTables(bed.target, { wanted: false, rows: 0, seed: 1 });
  const history = new HistoryFile();
  try {
    const writers = new LedgerWriters(bed, prepared, history);
    let acknowledgedWhileCut: number;
    try {
      await writers.write(before).done;
      acknowledgedWhileCut = await writeAndLose(scene, writers, whileCut);
    } finally {
      await writers.close();
    }
    const known = { mode, number, before, whileCut, acknowledgedWhileCut };
    const result = await readBack(bed, prepared, history);
    return { server: prepared.server.version, loss: lossOf(known, result) };
  } finally {
    history.close();
  }
}

/** Returns how many of the writes were acknowledged before the primary died. */
async function writeAndLose(
  { mode, bed, options, signal }: Scene,
  writers: LedgerWriters,
  whileCut: number,
): Promise<number> {
  const { cluster } = bed;
  await awaitReplayed(bed, signal);
  const cut = await cluster.fault('cut-replication');
  const writes = writers.write(whileCut);
  if (mode === 'asynchronous') await writes.done;
  else await pause(WATCHED_MS, signal);
  const acknowledged = writes.acknowledged();
  const { target } = await cluster.fault('kill-primary');
  await awaitSuccessor(bed, target, options, signal);
  // Until then the new primary has no standby that could confirm what is still waiting.
  await cut.undo();
  await writes.done;
  return acknowledged;
}

/** Some clients of the library, each doing one write of the ledger at a time. */
class LedgerWriters {
  readonly #driver: SchoolDbDriver;
  readonly #scripts: readonly Script[];

  constructor({ target }: ClusterBed, { ledger, exactlyOnce }: Prepared, history: HistoryFile) {
    this.#driver = new SchoolDbDriver(target, APPLICATION_NAME, MAX_CONNECTIONS, exactlyOnce);
    const workload = new LedgerWorkload(
      ledger,
      new HistoryWriter(history.descriptor),
      new StalenessTally(),
      0,
    );
    this.#scripts = Array.from({ length: WRITERS }, (_, client) =>
      workload.script(client, this.#driver.session(), Math.random),
    );
  }

  write(count: number): { done: Promise<void>; acknowledged: () => number } {
    let left = count;
    let acknowledged = 0;
    const writers = this.#scripts.map(async (script) => {
      while (left-- > 0) if (succeeded(await script.next().answer)) acknowledged++;
    });
    return { done: Promise.all(writers).then(() => undefined), acknowledged: () => acknowledged };
  }

  close(): Promise<void> {
    return this.#driver.close();
  }
}

/** Waits until every standby has replayed all that the primary has written: what is cut off afterwards is K alone. */
async function awaitReplayed({ target, servers, cluster }: ClusterBed, signal: AbortSignal): Promise<void> {
  const master = await openMaster(target);
  try {
    const { rows } = await master.query('select pg_current_wal_lsn()::text as lsn');
    const { primary } = await cluster.status();
    for (const { name, connection } of servers)
      if (name !== primary) await awaitReplay(name, connection, rows[0]!['lsn'] as string, signal);
  } finally {
    master.destroy();
  }
}

async function awaitReplay(
  name: string,
  options: PlainConnectionOptions,
  lsn: string,
  signal: AbortSignal,
): Promise<void> {
  for (const until = epochMs() + REPLAY_LIMIT_MS; epochMs() < until;) {
    signal.throwIfAborted();
    if (await hasReplayed(options, lsn).catch(() => false)) return;
    await pause(LOOK_MS, signal);
  }
  throw new Error(`${name} has not replayed ${lsn} within ${REPLAY_LIMIT_MS} ms`);
}

async function hasReplayed(options: PlainConnectionOptions, lsn: string): Promise<boolean> {
  const standby = await PlainConnection.open(options);
  try {
    const { rows } = await standby.query('select pg_last_wal_replay_lsn() >= $1::pg_lsn as replayed', [lsn]);
    return rows[0]!['replayed'] === true;
  } finally {
    standby.destroy();
  }
}

async function awaitSuccessor(
  { cluster }: ClusterBed,
  lost: string,
  { promoteAfterMs }: ForcedLossOptions,
  signal: AbortSignal,
): Promise<void> {
  const limitMs = promoteAfterMs + PROMOTION_LIMIT_MS;
  for (const until = epochMs() + limitMs; epochMs() < until;) {
    signal.throwIfAborted();
    const { primary } = await cluster.status();
    if (primary !== null && primary !== lost) return;
    await pause(LOOK_MS, signal);
  }
  throw new Error(`nobody took over from ${lost} within ${limitMs} ms`);
}

async function readBack(bed: ClusterBed, { ledger }: Prepared, history: HistoryFile): Promise<CheckResult> {
  const connection = await awaitPrimary(bed, PROMOTION_LIMIT_MS);
  try {
    await awaitSilence(connection);
    return check(await readWrites(history.descriptor), await readStored(connection, ledger));
  } finally {
    connection.destroy();
  }
}

/** 1 to the most, inclusive. */
function upTo(random: Random, most: number): number {
  return 1 + Math.floor(random() * most);
}
