/** The primary is cut off from its standbys and lives on: it answers every question, and no COMMIT ever again. */
import type { Cluster } from '@schooldb/local-cluster';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startLoad } from '../support/load.ts';
import { clientOf, record, startTestCluster, until, untilWhole } from '../support/with-cluster.ts';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startTestCluster({ replicas: 2, promoteAfterMs: 1_000, synchronous: true });
});

afterAll(() => cluster.stop());

it.each([50, 3])('%i callers leave a primary that was replaced while it still lives', async (callers) => {
  const db = clientOf(cluster);
  const changes = record(db, 'primary:changed');
  const dead = record(db, 'server:dead');
  const load = await startLoad(db, callers);
  try {
    await until('the load runs', () => load.written() > 3 * callers);
    const known = changes.length;
    const partition = await cluster.fault('partition');
    // Nothing undoes the partition before: only the client itself can get away from the old primary.
    await until('the new primary is met', () => changes.length > known);
    const met = load.written();
    await until('everybody writes again', () => load.written() > met + 10 * callers);
    expect(dead).toEqual([]);
    await partition.undo();
    await load.stop();
    expect(load.errors).toEqual([]);
    expect(await load.count()).toEqual({ rows: load.written(), different: load.written() });
  } finally {
    await load.stop();
    await db.close();
    await cluster.undoAllFaults();
    await untilWhole(cluster);
  }
});
