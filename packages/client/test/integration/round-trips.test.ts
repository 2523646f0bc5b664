/** What exactly-once costs in waiting for answers, counted on the way to a real server. */
import type { Cluster } from '@schooldb/local-cluster';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { SchoolDb } from '../../src/index.ts';
import { startCountingProxy } from '../support/counting-proxy.ts';
import type { CountingProxy } from '../support/counting-proxy.ts';
import { clientOf, startTestCluster, until } from '../support/with-cluster.ts';

let cluster: Cluster;
let proxy: CountingProxy;
let db: SchoolDb;

beforeAll(async () => {
  cluster = await startTestCluster({ replicas: 0 });
  proxy = await startCountingProxy(cluster.endpoints.master);
  db = clientOf(cluster, { endpoints: { master: proxy.address } });
  await db.write('CREATE TABLE note (id bigint GENERATED ALWAYS AS IDENTITY)');
});

afterAll(async () => {
  await db.close();
  proxy.close();
  await cluster.stop();
});

const INSERT = 'INSERT INTO note DEFAULT VALUES';

/** The least of several: on a busy machine a probe may come in between, or an answer arrive in two pieces. */
async function roundTripsOf(work: () => Promise<unknown>): Promise<number> {
  let least = Infinity;
  for (let run = 0; run < 10; run += 1) {
    const before = proxy.roundTrips;
    await work();
    least = Math.min(least, proxy.roundTrips - before);
  }
  return least;
}

/** Which the app itself may not read. */
async function slots(): Promise<number> {
  const { database, superuser, ca, servers } = cluster;
  const { host, port } = servers[0]!;
  const client = new Client({ host, port, database, ...superuser, ssl: { ca } });
  await client.connect();
  try {
    const { rows } = await client.query('SELECT count(*)::integer AS slots FROM schooldb.commit_slot');
    return (rows as { slots: number }[])[0]!.slots;
  } finally {
    await client.end();
  }
}

it('an exactlyOnce statement takes one', async () => {
  await until('the connection is open', async () => {
    await db.write(INSERT);
    return db.health().endpoints.master.state === 'up';
  });
  expect(await roundTripsOf(() => db.write(INSERT, [], { exactlyOnce: true }))).toBe(1);
});

it('the mark of a transaction takes none: it travels with COMMIT', async () => {
  const transaction = (exactlyOnce: boolean) =>
    roundTripsOf(() =>
      db.transaction(
        async (tx) => {
          await tx.query(INSERT);
          await tx.query(INSERT);
        },
        { exactlyOnce },
      ),
    );
  const [marked, unmarked] = [await transaction(true), await transaction(false)];
  expect(marked).toBe(unmarked);
  // BEGIN, two statements, COMMIT.
  expect(marked).toBe(4);
  expect(await slots()).toBeGreaterThan(0);
});
