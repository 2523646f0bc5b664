import dropIn from '@schooldb/client/pg';
import pg from 'pg';
import type { PoolConfig } from 'pg';
import { clusterBed } from '../bed/cluster-bed.ts';
import { pgSsl } from '../drivers/target.ts';
import type { Target } from '../drivers/target.ts';
import { renderLimits } from './failover-report.ts';
import { judgeLimit, median } from './limits.ts';
import type { JudgedLimit } from './limits.ts';
import type { BenchContext } from './run-failover.ts';

export interface DropInOptions {
  /** Of about a second, for each workload. */
  rounds: number;
  /** Callers at the same time. */
  clients: number;
}

export interface DropInReport extends DropInOptions {
  bench: 'drop-in';
  workloads: {
    name: WorkloadName;
    /** Medians over the rounds, in calls per second. */
    pgPerSecond: number | null;
    dropInPerSecond: number | null;
    /** What the drop-in costs in percent of pg's throughput: the median of the rounds, each with its neighbour. */
    costPercent: number | null;
  }[];
  limits: JudgedLimit[];
  held: boolean;
}

const POOLS = ['pg', 'dropIn'] as const;
type PoolName = (typeof POOLS)[number];

const MAX_CONNECTIONS = 10;
/** A round is made of short turns of each pool: whatever else the machine does then hits both alike. */
const TURNS = 12;
const TURN_MS = 40;
const LIMIT_PERCENT = 3;
const ROWS = 1_000;

const WORKLOADS = {
  'pool.query()': async (pool: pg.Pool, n: number) => {
    await pool.query('SELECT v FROM point WHERE id = $1', [n % ROWS]);
  },
  'checked out': async (pool: pg.Pool, n: number) => {
    const client = await pool.connect();
    try {
      await client.query('SELECT v FROM point WHERE id = $1', [n % ROWS]);
    } finally {
      client.release();
    }
  },
} as const;
type WorkloadName = keyof typeof WORKLOADS;

/** The throughput of the drop-in's pool beside that of pg's, at equal settings, in turn on one server. */
export async function runDropIn(options: DropInOptions, context: BenchContext): Promise<DropInReport> {
  const { signal, cleanup, say } = context;
  say('starting one server');
  const bed = await clusterBed({ replicas: 0, synchronous: false, promoteAfterMs: 1_000, signal });
  cleanup.defer(() => bed.close());
  const config = poolConfig(bed.target);
  const pools = { pg: new pg.Pool(config), dropIn: new dropIn.Pool(config) };
  cleanup.defer(() => Promise.all([pools.pg.end(), pools.dropIn.end()]));
  await pools.pg.query('CREATE TABLE point (id integer PRIMARY KEY, v text)');
  await pools.pg.query(`INSERT INTO point SELECT n, 'value ' || n FROM generate_series(0, $1::int) AS n`, [
    ROWS,
  ]);
  const workloads: DropInReport['workloads'] = [];
  for (const name of Object.keys(WORKLOADS) as WorkloadName[]) {
    say(`${name}: ${options.rounds} rounds`);
    workloads.push({ name, ...(await measure(WORKLOADS[name], pools, options, signal)) });
  }
  const limits = workloads.map(({ name, costPercent }) =>
    judgeLimit({
      what: `cost of the drop-in in percent, ${name}`,
      measured: costPercent,
      unit: 'n',
      most: LIMIT_PERCENT,
      bound: 'most',
    }),
  );
  return { bench: 'drop-in', ...options, workloads, limits, held: limits.every(({ held }) => held) };
}

export function renderDropIn({ rounds, clients, workloads, limits }: DropInReport): string[] {
  const perSecond = (value: number | null) => (value === null ? '-' : String(Math.round(value)));
  return [
    `${clients} callers, ${MAX_CONNECTIONS} connections, medians of ${rounds} rounds`,
    ...workloads.map(
      ({ name, pgPerSecond, dropInPerSecond }) =>
        `${name}: pg.Pool ${perSecond(pgPerSecond)} per second, drop-in ${perSecond(dropInPerSecond)}`,
    ),
    ...renderLimits(limits),
  ];
}

async function measure(
  workload: (pool: pg.Pool, n: number) => Promise<void>,
  pools: Record<PoolName, pg.Pool>,
  { rounds, clients }: DropInOptions,
  signal: AbortSignal,
): Promise<Omit<DropInReport['workloads'][number], 'name'>> {
  const rates: Record<PoolName, number[]> = { pg: [], dropIn: [] };
  const costs: number[] = [];
  // The first two warm up: connections, and the compiler.
  for (let round = -2; round < rounds; round += 1) {
    const calls = { pg: 0, dropIn: 0 };
    const ms = { pg: 0, dropIn: 0 };
    for (let turn = 0; turn < TURNS; turn += 1) {
      // Each goes first as often as the other.
      for (const name of turn % 2 === 0 ? POOLS : POOLS.toReversed()) {
        signal.throwIfAborted();
        const startedAt = performance.now();
        calls[name] += await takeTurn(workload, pools[name], clients);
        ms[name] += performance.now() - startedAt;
      }
    }
    const rate = { pg: (calls.pg * 1_000) / ms.pg, dropIn: (calls.dropIn * 1_000) / ms.dropIn };
    if (round < 0) continue;
    for (const name of POOLS) rates[name].push(rate[name]);
    costs.push((1 - rate.dropIn / rate.pg) * 100);
  }
  return { pgPerSecond: median(rates.pg), dropInPerSecond: median(rates.dropIn), costPercent: median(costs) };
}

/** @returns how many calls were answered. */
async function takeTurn(
  workload: (pool: pg.Pool, n: number) => Promise<void>,
  pool: pg.Pool,
  clients: number,
): Promise<number> {
  const until = performance.now() + TURN_MS;
  let calls = 0;
  const loop = async () => {
    while (performance.now() < until) await workload(pool, (calls += 1));
  };
  await Promise.all(Array.from({ length: clients }, loop));
  return calls;
}

function poolConfig({ master, database, user, password, tls }: Target): PoolConfig {
  return { ...master, database, user, password, ssl: pgSsl(tls), max: MAX_CONNECTIONS, idleTimeoutMillis: 0 };
}
