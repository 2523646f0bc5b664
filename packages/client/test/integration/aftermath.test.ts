/**
 * What a failover leaves behind for a while: an address that leads to two servers, a pooler that nobody told, a server
 * that answers and takes no new connection.
 */
import { accessSync } from 'node:fs';
import type { Cluster } from '@schooldb/local-cluster';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { SchoolDb } from '../../src/index.ts';
import type { Load } from '../support/load.ts';
import { startLoad } from '../support/load.ts';
import { clientOf, record, startTestCluster, until, untilWhole } from '../support/with-cluster.ts';

const CALLERS = 50;

let cluster: Cluster;
let db: SchoolDb | undefined;
let load: Load | undefined;

async function startWork(
  options: Parameters<typeof clientOf>[1] = {},
): Promise<{ db: SchoolDb; load: Load }> {
  db = clientOf(cluster, options);
  load = await startLoad(db, CALLERS);
  const { written } = load;
  await until('the load runs', () => written() > 200);
  return { db, load };
}

const REPLICATION = [
  ['synchronous', true],
  ['asynchronous', false],
] as const;

/** @param mayLose - the cluster itself may lose what it has acknowledged, where its replication is asynchronous. */
async function expectUntouched(work: Load, mayLose = false): Promise<void> {
  const before = work.written();
  await until('writing goes on', () => work.written() > before + 300);
  await work.stop();
  expect(work.errors).toEqual([]);
  const { rows, different } = await work.count();
  expect(different).toBe(rows);
  if (mayLose) expect(rows).toBeLessThanOrEqual(work.written());
  else expect(rows).toBe(work.written());
}

async function newTimeline(than: number | null): Promise<void> {
  await until('there is a new primary', async () => {
    const { primary, timeline } = await cluster.status();
    return primary !== null && timeline! > than!;
  });
}

afterEach(async () => {
  await load?.stop();
  await db?.close();
  await cluster.undoAllFaults();
  await untilWhole(cluster);
});

describe.each(REPLICATION)('an address that leads to two servers, %s replication', (_kind, synchronous) => {
  beforeAll(async () => {
    cluster = await startTestCluster({ replicas: 2, promoteAfterMs: 500, synchronous });
  });
  afterAll(() => cluster.stop());

  it.each(['blackhole', 'refuse', 'standby'] as const)(
    'one of them new, the other a %s: no error, nothing lost or doubled',
    async (other) => {
      const work = await startWork();
      const { timeline } = await cluster.status();
      await cluster.fault('two-masters', { other, choice: 'random', seed: 7 });
      await cluster.fault('kill-primary');
      await newTimeline(timeline);
      await expectUntouched(work.load, !synchronous);
    },
  );
});

describe('a frozen postmaster', () => {
  beforeAll(async () => {
    cluster = await startTestCluster({ replicas: 1, promoteAfterMs: false });
  });
  afterAll(() => cluster.stop());

  it('costs nobody its connection: those that are open answer', async () => {
    const { db: client, load: work } = await startWork();
    const dead = record(client, 'server:dead');
    const fault = await cluster.fault('frozen-postmaster');
    const before = work.written();
    const end = Date.now() + 4_000;
    await until('the fault has lasted', () => Date.now() > end);
    expect(work.written()).toBeGreaterThan(before + 100);
    await fault.undo();
    await expectUntouched(work);
    expect(dead).toEqual([]);
  });
});

const HOW_TO_GET_IT = 'needs pgbouncer: apt-get install pgbouncer';
const skipped = process.env['CI'] === undefined && !isInstalled();

function isInstalled(): boolean {
  return ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer', '/opt/homebrew/bin/pgbouncer'].some((path) => {
    try {
      accessSync(path);
      return true;
    } catch {
      return false;
    }
  });
}

describe.skipIf(skipped)(skipped ? `poolers (skipped: ${HOW_TO_GET_IT})` : 'poolers', () => {
  beforeAll(async () => {
    cluster = await startTestCluster({ replicas: 2, promoteAfterMs: 500, poolers: true });
  });
  afterAll(() => cluster.stop());

  it('carry the load where they are preferred, through a kill', async () => {
    const work = await startWork({ prefer: 'pooler' });
    const { timeline } = await cluster.status();
    await cluster.fault('kill-primary');
    await newTimeline(timeline);
    await until('the pooler is used again', () => {
      const { masterPooler, master } = work.db.health().endpoints;
      return masterPooler!.connections.leased > 0 && master.connections.leased === 0;
    });
    await expectUntouched(work.load);
  });

  it('are passed by while they stay on a demoted server, and used again after that', async () => {
    const work = await startWork({ prefer: 'pooler' });
    const pooler = () => work.db.health().endpoints.masterPooler!.state;
    const { timeline } = await cluster.status();
    const fault = await cluster.fault('stale-pooler', { server: 'primary' });
    await cluster.fault('switchover');
    await newTimeline(timeline);
    await until('the pooler is put aside', () => pooler() === 'down');
    await fault.undo();
    await until('the pooler is used again', () => pooler() === 'up');
    await expectUntouched(work.load);
  });

  it('take over where the direct endpoint is full', async () => {
    const work = await startWork({ maxConnections: 4 });
    await until('the pooler is used', () => work.db.health().endpoints.masterPooler!.connections.open > 0);
    await expectUntouched(work.load);
  });
});
