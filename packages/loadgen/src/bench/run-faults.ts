import type { ClusterEvent, FaultName } from '@schooldb/local-cluster';
import { awaitWhole } from '../bed/await-whole.ts';
import { clusterBed } from '../bed/cluster-bed.ts';
import type { ClusterBed } from '../bed/cluster-bed.ts';
import type { DriverName } from '../drivers/driver.ts';
import { leadsToFailover } from '../options/fault-schedule.ts';
import { promoteAfterOf } from '../options/engine.ts';
import type { EngineName } from '../options/engine.ts';
import { formatMs } from '../report/format.ts';
import { quietListener } from '../report/progress.ts';
import { runLoad } from '../run/run-load.ts';
import { dropTables, prepareTables } from '../run/tables.ts';
import type { FaultReport, RunReport } from '../run/run-report.ts';
import { awaitPrimary } from '../verify/read-back.ts';
import { faultCases, THROUGH_POOLER } from './fault-cases.ts';
import type { FaultCase } from './fault-cases.ts';
import { matrixReport, metBy } from './fault-matrix.ts';
import type { MatrixCell, MatrixReport } from './fault-matrix.ts';
import type { Mode } from './forced-loss-report.ts';
import type { BenchContext } from './run-failover.ts';

export interface MatrixOptions {
  engines: readonly EngineName[];
  /** Null: all of them. */
  faults: readonly FaultName[] | null;
  modes: readonly Mode[];
  /** Of each driver. */
  clients: number;
}

const REPLICAS = 2;
const THINK_MS = 100;
const MAX_CONNECTIONS = 10;
/** Undisturbed load before the fault, and after all of it is over. */
const SETTLE_MS = 1_500;
const AFTERWARDS_MS = 2_500;
const PROMOTE_AFTER_MS = 1_000;
const PRIMARY_LIMIT_MS = 60_000;
/** What a takeover needs beyond that. */
const TAKEOVER_MS: Record<EngineName, number> = { embedded: 500, patroni: 6_000 };
const ROWS = { wanted: true, rows: 1, seed: 1 };
/** Each server's own disk, for the fault that fills it. */
const DISK_MB = 384;

/** Makes every fault once in each mode of replication, under plain pg and SchoolDB at the same time. */
export async function runFaults(
  options: MatrixOptions,
  context: BenchContext,
  tell: (cell: MatrixCell) => void,
): Promise<MatrixReport> {
  const engines: MatrixReport['engines'] = [];
  for (const engine of options.engines) engines.push(await runEngine(engine, options, context, tell));
  return matrixReport(engines);
}

/** Patroni's faults mostly wait for a lease to run out: its modes take turns at the processor, not at the clock. */
async function runEngine(
  engine: EngineName,
  options: MatrixOptions,
  context: BenchContext,
  tell: (cell: MatrixCell) => void,
): Promise<MatrixReport['engines'][number]> {
  const cells: MatrixCell[] = [];
  let server = '';
  const runMode = async (mode: Mode): Promise<void> => {
    for await (const { cell, version } of strikeAll(engine, mode, options, context)) {
      server = version;
      cells.push(cell);
      tell(cell);
    }
  };
  if (engine === 'patroni') await Promise.all(options.modes.map(runMode));
  else for (const mode of options.modes) await runMode(mode);
  return { engine, server, cells };
}

async function* strikeAll(
  engine: EngineName,
  mode: Mode,
  options: MatrixOptions,
  context: BenchContext,
): AsyncGenerator<{ cell: MatrixCell; version: string }> {
  const cases = faultCases(engine).filter(({ name }) => options.faults?.includes(name) ?? true);
  let bed = await startBed(engine, mode, cases, context);
  for (const fault of cases) {
    try {
      await awaitReady(bed, context.signal);
    } catch (error) {
      // The others are worth their rows all the same.
      context.say(`${(error as Error).message}: another one takes its place`);
      await bed.close();
      bed = await startBed(engine, mode, cases, context);
    }
    context.signal.throwIfAborted();
    const runs = await strikeBoth(bed, engine, fault, options, context);
    yield { cell: cellOf(fault, mode, runs), version: runs.pg.server.version };
  }
  await bed.close();
}

/** Whole, and at the end of the master address: whoever balances there hears of a role a little later. */
async function awaitReady(bed: ClusterBed, signal: AbortSignal): Promise<void> {
  await awaitWhole(bed, signal);
  if (!signal.aborted) (await awaitPrimary(bed, PRIMARY_LIMIT_MS)).destroy();
}

async function startBed(
  engine: EngineName,
  mode: Mode,
  cases: readonly FaultCase[],
  { signal, cleanup, say }: BenchContext,
): Promise<ClusterBed> {
  say(`starting a cluster: engine ${engine}, one primary, ${REPLICAS} standbys, ${mode} replication`);
  const bed = await clusterBed({
    engine,
    replicas: REPLICAS,
    synchronous: mode === 'synchronous',
    promoteAfterMs: promoteAfterOf(engine, undefined, PROMOTE_AFTER_MS),
    diskMb: cases.some(({ name }) => name === 'disk-full') ? DISK_MB : false,
    poolers: cases.some(({ name }) => name === THROUGH_POOLER) ? 'auto' : false,
    // Cuts shall hit the connections of a pool that was filled before.
    terminateTls: true,
    signal,
  });
  cleanup.defer(() => bed.close());
  await awaitReady(bed, signal);
  // What both runs of a fault share is there before them: neither makes it.
  await dropTables(bed.target, { ...(await prepareTables(bed.target, ROWS)), seeded: false });
  return bed;
}

interface BothRuns {
  pg: RunReport;
  schooldb: RunReport;
}

/** The fault belongs to one of the two runs; the other meets it all the same. */
async function strikeBoth(
  bed: ClusterBed,
  engine: EngineName,
  fault: FaultCase,
  options: MatrixOptions,
  { signal, cleanup }: BenchContext,
): Promise<BothRuns> {
  const promoteAfterMs = promoteAfterOf(engine, undefined, PROMOTE_AFTER_MS);
  const scheduled = { ...fault, atMs: SETTLE_MS };
  const failoverMs = leadsToFailover(scheduled, promoteAfterMs) ? promoteAfterMs + TAKEOVER_MS[engine] : 0;
  const lastsMs = fault.forMs ?? Math.max(failoverMs, SETTLE_MS);
  const { masterPooler } = bed.cluster.endpoints;
  const throughPooler = fault.name === THROUGH_POOLER && masterPooler !== undefined;
  const loaded = throughPooler ? { ...bed, target: { ...bed.target, masterPooler } } : bed;
  const run = (driver: DriverName): Promise<RunReport> =>
    runLoad(
      loaded,
      {
        driver,
        workload: 'ledger',
        clients: options.clients,
        thinkMs: THINK_MS,
        durationMs: SETTLE_MS + lastsMs + AFTERWARDS_MS,
        maxConnections: MAX_CONNECTIONS,
        rows: 1,
        seed: 1,
        faults: driver === 'schooldb' ? [scheduled] : [],
        pace: 'on-time',
        promoteAfterMs,
        verify: true,
        keep: false,
      },
      { listener: quietListener, signal, cleanup },
    );
  const [pg, schooldb] = await Promise.all([run('pg'), run('schooldb')]);
  return { pg, schooldb };
}

function cellOf(fault: FaultCase, mode: Mode, { pg, schooldb }: BothRuns): MatrixCell {
  const record = schooldb.faults[0]!;
  return {
    fault,
    mode,
    target: record.target,
    error: record.error,
    endedBy: endedBy(record, schooldb.events),
    pg: metBy(pg),
    schooldb: metBy(schooldb),
  };
}

/** The first that could have ended what callers noticed. */
function endedBy({ requestedAt, undoneAt, name }: FaultReport, events: readonly ClusterEvent[]): string {
  const from = requestedAt ?? Infinity;
  const after = (at: number) => formatMs(at - from);
  const healed = events.find(
    ({ type, at }) => at >= from && (type === 'primary:promoted' || type === 'primary:restarted'),
  );
  if (healed !== undefined && healed.at < (undoneAt ?? Infinity))
    return `${healed.type === 'primary:promoted' ? 'promotion' : 'restart'} after ${after(healed.at)}`;
  const ended = events.find(
    ({ type, at, fault, detail }) =>
      type === 'fault:undone' && at >= from && fault?.name === name && detail.endsWith('ended by itself'),
  );
  if (ended !== undefined) return `itself after ${after(ended.at)}`;
  return undoneAt === null ? 'itself' : `undo after ${after(undoneAt)}`;
}
