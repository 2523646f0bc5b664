/** Twenty failovers in one process: what they cost is given back. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Cluster } from '@schooldb/local-cluster';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startLoad } from '../support/load.ts';
import { clientOf, startTestCluster, until } from '../support/with-cluster.ts';

const FAILOVERS = 20;
/** The first ones warm up caches and compiled code. */
const WARM_UP = 5;

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startTestCluster({ replicas: 2, promoteAfterMs: 100 });
});

afterAll(() => cluster.stop());

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function heapMiB(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed / 1_048_576;
}

/** Sockets and timers that this process holds. */
function resources(): number {
  return process.getActiveResourcesInfo().filter((name) => /TCPSocket|TLSWrap|Timeout/.test(name)).length;
}

async function failOver(): Promise<void> {
  const { timeline } = await cluster.status();
  await cluster.fault('kill-primary');
  await until('all servers are back on a new timeline', async () => {
    const now = await cluster.status();
    return (
      now.timeline! > timeline! &&
      now.servers.every(({ state, role }) => state === 'running' && role !== 'unknown')
    );
  });
}

it(`after ${FAILOVERS} failovers no connection, timer or listener is left, and memory is flat`, async () => {
  const listenersBefore = process.eventNames().map((name) => process.listenerCount(name));
  const resourcesBefore = resources();
  const db = clientOf(cluster, { idleTimeoutMs: 600_000 });
  const load = await startLoad(db, 20);
  try {
    const heap: number[] = [];
    for (let round = 0; round < FAILOVERS; round += 1) {
      const before = load.written();
      await failOver();
      await until('writing goes on', () => load.written() > before + 100);
      heap.push(heapMiB());
      const { master, replica } = db.health().endpoints;
      expect(master.connections.open).toBeLessThanOrEqual(20);
      expect(replica?.connections.open).toBeLessThanOrEqual(20);
    }
    await load.stop();
    expect(load.errors).toEqual([]);
    expect(await load.count()).toEqual({ rows: load.written(), different: load.written() });
    const settledAt = Math.max(...heap.slice(0, WARM_UP));
    expect(heap.at(-1)).toBeLessThan(settledAt + 5);
  } finally {
    await load.stop();
    await db.close();
  }
  await until('its sockets and timers are gone', () => resources() <= resourcesBefore + 1);
  expect(process.eventNames().map((name) => process.listenerCount(name))).toEqual(listenersBefore);
  const status = await cluster.status();
  expect(status.virtualIps.map(({ connections }) => connections)).toEqual([0, 0]);
}, 300_000);
