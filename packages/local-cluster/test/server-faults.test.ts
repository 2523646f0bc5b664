import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startCluster, type Cluster } from '../src/index.ts';
import { isRunning, serverProcessesIn } from '../src/process/process-table.ts';
import { connectClient, queryOnce } from './support/clients.ts';
import { EventLog, healthy } from './support/events.ts';
import { directoryOf } from './support/leftovers.ts';

const INIT = 'CREATE TABLE ledger (id int PRIMARY KEY); ALTER TABLE ledger OWNER TO bauer;';

describe('faults of servers and of replication, in a synchronous cluster', () => {
  let cluster: Cluster;
  let events: EventLog;

  beforeAll(async () => {
    cluster = await startCluster({ replicas: 2, poolers: false, promoteAfterMs: 300, initSql: INIT });
    events = new EventLog(cluster);
  });
  afterEach(async () => {
    await cluster.undoAllFaults();
    await healthy(cluster);
    await queryOnce(cluster, 'TRUNCATE ledger');
  });
  afterAll(() => cluster.stop());

  function typesSince(since: number): string[] {
    return events.all.filter(({ at }) => at >= since).map(({ type }) => type);
  }

  it('crash-backend: the backend in a transaction is killed, and the server recovers in place', async () => {
    const since = Date.now();
    const before = await cluster.status();
    const idle = await connectClient(cluster);
    const busy = await connectClient(cluster);
    await busy.query('BEGIN');
    await busy.query('INSERT INTO ledger VALUES (1)');
    const backend = (busy as unknown as { processID: number }).processID;
    const processes = serverProcessesIn(`${directoryOf(cluster)}/${before.primary}`);
    const fault = await cluster.fault('crash-backend');
    expect(fault.target).toBe(before.primary);
    expect(processes.filter(({ pid }) => pid === backend).filter(isRunning)).toEqual([]);
    // The others are ended by the postmaster, which stays.
    await Promise.all([busy.lost, idle.lost]);
    await events.next('fault:undone', { since });
    await queryOnce(cluster, 'INSERT INTO ledger VALUES (2)');
    expect(await queryOnce(cluster, 'SELECT id FROM ledger')).toEqual([{ id: 2 }]);
    await healthy(cluster);
    expect(await cluster.status()).toMatchObject({ primary: before.primary, timeline: before.timeline });
    expect(typesSince(since)).toEqual(['fault:applied', 'fault:undone']);
    // It has ended by itself: undo has nothing left to do.
    await fault.undo();
  });

  it('crash-backend without a client kills a backend of its own, again and again', async () => {
    const { primary, timeline } = await cluster.status();
    for (let round = 1; round <= 3; round += 1) {
      const since = Date.now();
      await cluster.fault('crash-backend');
      await events.next('fault:undone', { since });
      // Synchronous: a standby has connected again.
      await queryOnce(cluster, `INSERT INTO ledger VALUES (${round})`);
    }
    expect(await cluster.status()).toMatchObject({ primary, timeline });
  });
});
