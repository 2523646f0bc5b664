/** An app on pg's Pool that knows nothing of failovers, through several of them. It listens to no 'error'. */
import type { Cluster, FaultName } from '@schooldb/local-cluster';
import { Client, Pool } from '@schooldb/client/pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { configOf, event } from '../support/drop-in.ts';
import { startTestCluster, until, untilWhole } from '../support/with-cluster.ts';

let cluster: Cluster;
let runs = 0;

beforeAll(async () => {
  cluster = await startTestCluster({ replicas: 2, promoteAfterMs: 500 });
});

afterAll(() => cluster.stop());

interface Work {
  readonly readErrors: unknown[];
  readonly writeErrors: { readonly outcome?: unknown; readonly seq: string }[];
  readonly transactionErrors: Error[];
  readonly written: ReadonlySet<string>;
  readonly reads: () => number;
  readonly table: string;
  stop(): Promise<void>;
}

/** Readers and writers by `pool.query()`, and transactions on clients of the pool. */
async function startWork(pool: Pool): Promise<Work> {
  runs += 1;
  const table = `work_${runs}`;
  await pool.query(`CREATE TABLE ${table} (id text)`);
  const readErrors: unknown[] = [];
  const writeErrors: { outcome?: unknown; seq: string }[] = [];
  const transactionErrors: Error[] = [];
  const written = new Set<string>();
  let reads = 0;
  const ending = new AbortController();
  const loop = async (step: (n: number) => Promise<void>) => {
    for (let n = 0; !ending.signal.aborted; n += 1) {
      await step(n);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const reader = () =>
    loop(async (n) => {
      try {
        const { rows } = await pool.query('SELECT $1::int AS n FROM pg_catalog.pg_class LIMIT 1', [n]);
        expect(rows).toEqual([{ n }]);
        reads += 1;
      } catch (error) {
        readErrors.push(error);
      }
    });
  const writer = (who: number) =>
    loop(async (n) => {
      const seq = `w${who}-${n}`;
      try {
        await pool.query(`INSERT INTO ${table} VALUES ($1)`, [seq]);
        written.add(seq);
      } catch (error) {
        writeErrors.push(Object.assign(error as Error, { seq }));
      }
    });
  const transactor = (who: number) =>
    loop(async (n) => {
      const seq = `t${who}-${n}`;
      try {
        const client = await pool.connect();
        try {
          await client.query('BEGIN');
          await client.query(`INSERT INTO ${table} VALUES ($1)`, [seq]);
          await client.query('COMMIT');
          written.add(seq);
        } finally {
          // As many do it: without an error, whatever has happened.
          client.release();
        }
      } catch (error) {
        transactionErrors.push(error as Error);
      }
    });
  const all = [
    ...Array.from({ length: 20 }, reader),
    ...Array.from({ length: 10 }, (_, who) => writer(who)),
    ...Array.from({ length: 5 }, (_, who) => transactor(who)),
  ];
  return {
    readErrors,
    writeErrors,
    transactionErrors,
    written,
    reads: () => reads,
    table,
    async stop() {
      ending.abort();
      await Promise.all(all);
    },
  };
}

async function expectHonest(work: Work, pool: Pool): Promise<void> {
  const { rows } = await pool.query(`SELECT id, count(*)::int AS n FROM ${work.table} GROUP BY id`);
  const there = new Map(rows.map(({ id, n }: { id: string; n: number }) => [id, n]));
  expect([...there.values()].filter((n) => n !== 1)).toEqual([]);
  expect([...work.written].filter((seq) => !there.has(seq))).toEqual([]);
}

it.each<[FaultName, object]>([
  ['kill-primary', {}],
  ['freeze-primary', {}],
  ['switchover', {}],
  ['restart', {}],
  ['reset_peer', { endpoint: 'master' }],
])('goes on by itself through %s', async (fault, options) => {
  const pool = new Pool({ ...configOf(cluster), max: 10 });
  const work = await startWork(pool);
  try {
    await until('the work goes on', () => work.written.size > 200 && work.reads() > 400);
    const { timeline } = await cluster.status();
    const applied = await cluster.fault(fault, options);
    if (fault === 'reset_peer') await applied.undo();
    else
      await until('a primary is there', async () => {
        const now = await cluster.status();
        return now.primary !== null && (fault === 'restart' || now.timeline! > timeline!);
      });
    const atRecovery = { written: work.written.size, reads: work.reads() };
    await until(
      'the work goes on afterwards',
      () => work.written.size > atRecovery.written + 200 && work.reads() > atRecovery.reads + 400,
    );
    await work.stop();
    expect(work.readErrors).toEqual([]);
    expect(work.writeErrors.filter(({ outcome }) => outcome !== 'unknown')).toEqual([]);
    // What was under way in a transaction is the app's to repeat, and pg's words tell it.
    const texts = work.transactionErrors.map(({ message }) => message);
    expect(
      texts.filter(
        (text) =>
          !/^Connection terminated unexpectedly$|not queryable|^terminating connection|ECONNRESET|EPIPE|shutting down/.test(
            text,
          ),
      ),
    ).toEqual([]);
    await expectHonest(work, pool);
    expect(pool.totalCount).toBeLessThanOrEqual(10);
  } finally {
    await work.stop();
    await pool.end();
    await cluster.undoAllFaults();
    await untilWhole(cluster);
  }
});

it('finds the primary among several hosts, wherever it is', async () => {
  const { host, port, ...rest } = configOf(cluster);
  const { replica } = cluster.endpoints;
  const list = { host: `${replica!.host},${host}`, port: `${replica!.port},${port}` as unknown as number };
  const pool = new Pool({ ...rest, ...list });
  expect((await pool.query('SELECT pg_is_in_recovery() AS standby')).rows).toEqual([{ standby: false }]);
  await pool.end();
  const { user, password, database, ssl } = rest;
  const connectionString = `postgres://${user}:${encodeURIComponent(password)}@${replica!.host}:${replica!.port},${host}:${port}/${database}`;
  const client = new Client({ connectionString, ssl });
  await client.connect();
  expect((await client.query('SELECT pg_is_in_recovery() AS standby')).rows).toEqual([{ standby: false }]);
  expect(client.port).toBe(port);
  await client.end();
});

it('takes a standby where it is told to take anybody', async () => {
  const { user, password, database, ssl } = configOf(cluster);
  const { host, port } = cluster.endpoints.replica!;
  const address = `${host}:${port}/${database}?target_session_attrs=any`;
  const pool = new Pool({ connectionString: `postgres://${user}:${password}@${address}`, ssl });
  expect((await pool.query('SELECT pg_is_in_recovery() AS standby')).rows).toEqual([{ standby: true }]);
  await expect(pool.query('CREATE TABLE no ()')).rejects.toMatchObject({ code: '25006' });
  await pool.end();
});

it('tells a client of its own that it was lost, and leaves the process alone', async () => {
  const client = new Client(configOf(cluster));
  await client.connect();
  const ended = event(client, 'end');
  const running = client.query('SELECT pg_sleep(60)').catch((error: unknown) => error);
  await cluster.fault('kill-primary');
  expect(await running).toBeInstanceOf(Error);
  await ended;
  const next = new Client(configOf(cluster));
  await next.connect();
  expect((await next.query('SELECT pg_is_in_recovery() AS standby')).rows).toEqual([{ standby: false }]);
  await next.end();
});
