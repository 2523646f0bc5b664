/** A connection that the network cut or forgot: the server does not know, and what was begun there stays. */
import type { Cluster } from '@schooldb/local-cluster';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startCuttingProxy } from '../support/cutting-proxy.ts';
import { clientOf, record, startTestCluster } from '../support/with-cluster.ts';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startTestCluster({ replicas: 0, synchronous: false });
});

afterAll(() => cluster.stop());

it('is run again without waiting for the locks of its own ghost', async () => {
  const proxy = await startCuttingProxy(cluster.endpoints.master);
  const db = clientOf(cluster, { endpoints: { master: proxy.address } });
  try {
    await db.write('CREATE TABLE seat (id integer, taken integer)');
    await db.write('INSERT INTO seat VALUES (1, 0)');
    let runs = 0;
    await db.transaction(async (tx) => {
      runs += 1;
      await tx.query('UPDATE seat SET taken = taken + 1 WHERE id = 1');
      if (runs > 1) return;
      proxy.cutClients();
      await tx.query('SELECT 1');
    });
    expect(runs).toBe(2);
    expect((await db.query('SELECT taken FROM seat')).rows).toEqual([{ taken: 1 }]);
  } finally {
    await db.close();
    proxy.close();
  }
});

it('finds a connection that the network forgot on a server that is well, and does the statement once', async () => {
  const proxy = await startCuttingProxy(cluster.endpoints.master);
  const db = clientOf(cluster, { endpoints: { master: proxy.address } });
  const dead = record(db, 'server:dead');
  const settled = record(db, 'outcome:settled');
  try {
    await db.write('CREATE TABLE note (n integer)');
    proxy.forget();
    await db.write('INSERT INTO note VALUES (1)', [], { exactlyOnce: true });
    expect((await db.write('SELECT n FROM note')).rows).toEqual([{ n: 1 }]);
    expect([dead, settled]).toEqual([[], [{ committed: false }]]);
  } finally {
    await db.close();
    proxy.close();
  }
});
