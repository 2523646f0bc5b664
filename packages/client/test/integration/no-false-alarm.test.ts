/** What looks like a frozen server and is none: no connection may be destroyed for it. */
import { spawn } from 'node:child_process';
import type { Cluster } from '@schooldb/local-cluster';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startLoad } from '../support/load.ts';
import { clientOf, record, startTestCluster, until } from '../support/with-cluster.ts';

let cluster: Cluster;

beforeAll(async () => {
  // Never promotes: a pause must stay a pause.
  cluster = await startTestCluster({ replicas: 1, promoteAfterMs: false });
});

afterAll(() => cluster.stop());

/** @returns what the client blamed a server for while `disturb` ran under load, and whether work went on after it. */
async function alarmsDuring(disturb: () => Promise<void>) {
  const db = clientOf(cluster);
  const dead = record(db, 'server:dead');
  const failed = record(db, 'attempt:failed');
  const load = await startLoad(db, 50);
  try {
    await until('the load runs', () => load.written() > 100);
    await disturb();
    const before = load.written();
    await until('writing goes on', () => load.written() > before + 100);
    await load.stop();
    return { dead, failed, errors: load.errors };
  } finally {
    await load.stop();
    await db.close();
  }
}

const CALM = { dead: [], failed: [], errors: [] };

it('a server that pauses for a second is not blamed', async () => {
  const alarms = await alarmsDuring(async () => {
    const pause = await cluster.fault('freeze-primary');
    const end = Date.now() + 1_000;
    await until('the pause is over', () => Date.now() > end);
    await pause.undo();
  });
  expect(alarms).toEqual(CALM);
});

it('a stall of our own event loop of three seconds is not blamed on the server', async () => {
  const alarms = await alarmsDuring(async () => {
    const end = Date.now() + 3_000;
    while (Date.now() < end);
  });
  expect(alarms).toEqual(CALM);
});

it('both cores at full load are not blamed on the server', async () => {
  const alarms = await alarmsDuring(async () => {
    const burners = [1, 2].map(() => spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }));
    try {
      const end = Date.now() + 5_000;
      await until('the cores have burned', () => Date.now() > end);
    } finally {
      for (const burner of burners) burner.kill('SIGKILL');
    }
  });
  expect(alarms).toEqual(CALM);
});

it('a slow statement on a server with nothing else to do is not blamed', async () => {
  const db = clientOf(cluster);
  const dead = record(db, 'server:dead');
  const suspected = record(db, 'server:suspected');
  const { rows } = await db.query('SELECT pg_sleep(4), 1 AS done');
  expect(rows[0]).toMatchObject({ done: 1 });
  expect(suspected.length).toBeGreaterThan(0);
  expect(dead).toEqual([]);
  await db.close();
});
