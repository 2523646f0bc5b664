import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startCluster, type Cluster } from '../src/index.ts';
import { isRunning, serverProcessesIn } from '../src/process/process-table.ts';
import { codeOf, connectClient, eventually, queryOnce, type Client } from './support/clients.ts';
import { EventLog, healthy } from './support/events.ts';
import { directoryOf } from './support/leftovers.ts';
import { postmasterOf } from './support/postmaster.ts';

const INIT = 'CREATE TABLE ledger (id int PRIMARY KEY); ALTER TABLE ledger OWNER TO bauer;';

describe('faults of servers and of replication, in a synchronous cluster', () => {
  let cluster: Cluster;
  let events: EventLog;

  beforeAll(async () => {
    const settings = { wal_sender_timeout: '3s', wal_receiver_timeout: '3s' };
    const options = { replicas: 2, poolers: false, promoteAfterMs: 300, initSql: INIT, settings };
    cluster = await startCluster(options);
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

  it('crash-backend: a recovery that takes seconds is waited for, and nobody is taken for lost', async () => {
    const since = Date.now();
    const { primary } = await cluster.status();
    const [writer] = await queryOnce<{ pid: number }>(
      cluster,
      "SELECT pid FROM pg_stat_activity WHERE backend_type = 'background writer'",
      'master',
      { ...cluster.superuser },
    );
    // What does not end when it is told to is killed after 5 s; until then nobody gets in.
    process.kill(writer?.pid ?? 0, 'SIGSTOP');
    const { id } = await cluster.fault('crash-backend');
    await eventually(async () => (await codeOf(connectClient(cluster))) === '57P03');
    // A standby that is to be tended meanwhile has to wait for it.
    const standby = cluster.servers.find(({ name }) => name !== primary)?.name ?? '';
    process.kill(postmasterOf(cluster, standby), 'SIGKILL');
    await events.next('server:lost', { since, server: standby });
    expect(await cluster.status()).toMatchObject({ primary, faults: [{ id }] });
    await events.next('server:rejoined', { since, server: standby });
    const expected = ['fault:applied', 'server:lost', 'fault:undone', 'server:rejoined'];
    expect(typesSince(since)).toEqual(expected);
  });

  it('cut-replication: commits wait, and go on when it is undone, without a clone or a promotion', async () => {
    const since = Date.now();
    const { primary, timeline } = await cluster.status();
    const client = await connectClient(cluster);
    const fault = await cluster.fault('cut-replication');
    let answered = false;
    const commit = client.query('INSERT INTO ledger VALUES (1)').then(() => (answered = true));
    await waitsForStandby(cluster, client);
    // Past the servers' own timeouts, and long enough for the supervisor to give a silent standby up.
    for (const until = Date.now() + 17_000; Date.now() < until;) {
      await queryOnce(cluster, 'SELECT 1');
      expect(answered).toBe(false);
      const { servers, faults } = await cluster.status();
      expect(servers.map(({ state }) => state)).toEqual(['running', 'running', 'running']);
      expect(faults).toMatchObject([{ id: fault.id, name: 'cut-replication' }]);
    }
    await expect(cluster.fault('switchover')).rejects.toThrow(
      /is cut; undo cut-replication or partition first/,
    );
    await fault.undo();
    await commit;
    await client.end();
    expect(typesSince(since)).toEqual(['fault:applied', 'fault:undone']);
    expect(await cluster.status()).toMatchObject({ primary, timeline });
  });

  it('cut-replication of one standby: commits go on, and that one does not hear of them', async () => {
    const { primary } = await cluster.status();
    const standbys = cluster.servers.map(({ name }) => name).filter((name) => name !== primary);
    const [cut = '', other = ''] = standbys;
    const fault = await cluster.fault('cut-replication', { server: cut });
    expect(fault.target).toBe(cut);
    await queryOnce(cluster, 'INSERT INTO ledger VALUES (1)');
    await eventually(async () => (await idsOn(cluster, other)).length === 1);
    expect(await idsOn(cluster, cut)).toEqual([]);
    await fault.undo();
    await eventually(async () => (await idsOn(cluster, cut)).length === 1);
  });

  it('cut-replication says who may be cut', async () => {
    const { primary } = await cluster.status();
    await expect(cluster.fault('cut-replication', { server: primary ?? '' })).rejects.toThrow(
      `cut-replication: ${primary} is the primary right now (standbys: pg`,
    );
    await expect(cluster.fault('cut-replication', { server: 'pg9' })).rejects.toThrow(
      'cut-replication: there is no server pg9 (standbys: pg',
    );
  });

  it('lag: standbys replay late, confirm at once, and replay at once when it is undone', async () => {
    const { primary } = await cluster.status();
    const standbys = cluster.servers.map(({ name }) => name).filter((name) => name !== primary);
    const fault = await cluster.fault('lag', { lagMs: 600_000 });
    expect(fault.target).toBe(standbys.join(', '));
    // Synchronous: it would wait if standbys did.
    await queryOnce(cluster, 'INSERT INTO ledger VALUES (1)');
    await eventually(async () => (await receivedButNotReplayed(cluster)) === 2);
    for (const standby of standbys) expect(await idsOn(cluster, standby)).toEqual([]);
    await fault.undo();
    for (const standby of standbys)
      await eventually(async () => (await idsOn(cluster, standby)).length === 1);
  });

  it('lag of one standby, by a given time', async () => {
    const { primary } = await cluster.status();
    const [late = '', other = ''] = cluster.servers
      .map(({ name }) => name)
      .filter((name) => name !== primary);
    await cluster.fault('lag', { server: late, lagMs: 1_500 });
    const committed = performance.now();
    await queryOnce(cluster, 'INSERT INTO ledger VALUES (1)');
    await eventually(async () => (await idsOn(cluster, other)).length === 1);
    expect(await idsOn(cluster, late)).toEqual([]);
    await eventually(async () => (await idsOn(cluster, late)).length === 1);
    expect(performance.now() - committed).toBeGreaterThan(1_400);
  });

  it.each(['kill-primary', 'switchover', 'restart', 'crash-backend'] as const)(
    'lag outlives %s: nothing is lost, no standby is cloned for it, and standbys go on replaying late',
    async (name) => {
      const since = Date.now();
      const fault = await cluster.fault('lag', { lagMs: 600_000 });
      await queryOnce(cluster, 'INSERT INTO ledger VALUES (1)');
      await eventually(async () => (await receivedButNotReplayed(cluster)) === 2);
      const before = await cluster.status();
      await cluster.fault(name);
      const promotes = name === 'kill-primary' || name === 'switchover';
      if (promotes) {
        await events.next('primary:promoted', { since });
        await events.next('server:rejoined', { since, server: before.primary ?? '' });
      } else {
        await events.next(name === 'restart' ? 'primary:restarted' : 'fault:undone', { since });
      }
      await eventually(() => streams(cluster, 2));
      await queryOnce(cluster, 'INSERT INTO ledger VALUES (2)');
      const { primary, faults } = await cluster.status();
      expect(faults).toMatchObject([{ id: fault.id }]);
      expect(primary === before.primary).toBe(!promotes);
      expect(await idsOn(cluster, primary ?? '')).toEqual([1, 2]);
      await eventually(async () => (await receivedButNotReplayed(cluster)) === 2);
      for (const { name: standby } of cluster.servers.filter((server) => server.name !== primary))
        expect(await idsOn(cluster, standby)).not.toContain(2);
      const cloned = events.all.filter(({ type, at }) => type === 'server:cloning' && at >= since);
      expect(cloned.map(({ server }) => server)).toEqual(name === 'kill-primary' ? [before.primary] : []);
    },
  );

  it('lag does not keep a standby that died from saying how far it is', async () => {
    const since = Date.now();
    const { primary } = await cluster.status();
    await cluster.fault('lag', { lagMs: 600_000 });
    await queryOnce(cluster, 'INSERT INTO ledger VALUES (1)');
    await eventually(async () => (await receivedButNotReplayed(cluster)) === 2);
    for (const { name } of cluster.servers.filter((server) => server.name !== primary))
      process.kill(postmasterOf(cluster, name), 'SIGKILL');
    await cluster.fault('kill-primary');
    await events.next('primary:promoted', { since });
    expect(await queryOnce(cluster, 'SELECT id FROM ledger')).toEqual([{ id: 1 }]);
  });

  it('loses no acknowledged write when the primary is killed while replication is cut', async () => {
    for (let round = 1; round <= 2; round += 1) {
      const since = Date.now();
      await queryOnce(cluster, `INSERT INTO ledger VALUES (${round})`);
      const cut = await cluster.fault('cut-replication');
      const client = await connectClient(cluster);
      const answer = codeOf(client.query(`INSERT INTO ledger VALUES (${round * 10})`));
      await waitsForStandby(cluster, client);
      await cluster.fault('kill-primary');
      // Never acknowledged.
      expect(await answer).toBeDefined();
      await events.next('primary:promoted', { since });
      const ids = (await queryOnce<{ id: number }>(cluster, 'SELECT id FROM ledger')).map(({ id }) => id);
      expect(ids).toContain(round);
      expect(ids).not.toContain(round * 10);
      await cut.undo();
      await healthy(cluster);
    }
  });
});

describe('faults of replication, in an asynchronous cluster', () => {
  let cluster: Cluster;
  let events: EventLog;

  beforeAll(async () => {
    const options = { replicas: 2, poolers: false, synchronous: false, promoteAfterMs: 300, initSql: INIT };
    cluster = await startCluster(options);
    events = new EventLog(cluster);
  });
  afterEach(async () => {
    await cluster.undoAllFaults();
    await eventually(() => streams(cluster, 2));
    await queryOnce(cluster, 'TRUNCATE ledger');
  });
  afterAll(() => cluster.stop());

  it('cut-replication: commits go on, standbys lag, and catch up when it is undone', async () => {
    const since = Date.now();
    const { primary } = await cluster.status();
    const fault = await cluster.fault('cut-replication');
    const standbys = cluster.servers.map(({ name }) => name).filter((name) => name !== primary);
    expect(fault.target).toBe(standbys.join(', '));
    await queryOnce(cluster, 'INSERT INTO ledger SELECT generate_series(1, 1000)');
    for (const standby of standbys) expect(await idsOn(cluster, standby)).toEqual([]);
    await fault.undo();
    for (const standby of standbys)
      await eventually(async () => (await idsOn(cluster, standby)).length === 1_000);
    expect(events.all.filter(({ at }) => at >= since).map(({ type }) => type)).toEqual([
      'fault:applied',
      'fault:undone',
    ]);
  });

  it('loses exactly the writes acknowledged between the cut and the death of the primary', async () => {
    for (const lost of [1, 7]) {
      const since = Date.now();
      const { primary } = await cluster.status();
      const standbys = cluster.servers.map(({ name }) => name).filter((name) => name !== primary);
      await queryOnce(cluster, 'INSERT INTO ledger SELECT generate_series(1, 20)');
      for (const standby of standbys)
        await eventually(async () => (await idsOn(cluster, standby)).length === 20);
      const cut = await cluster.fault('cut-replication');
      const client = await connectClient(cluster);
      for (let id = 1; id <= lost; id += 1) await client.query('INSERT INTO ledger VALUES ($1)', [100 + id]);
      await cluster.fault('kill-primary');
      await events.next('primary:promoted', { since });
      await client.lost;
      const ids = await queryOnce<{ id: number }>(cluster, 'SELECT id FROM ledger ORDER BY id');
      expect(ids.map(({ id }) => id)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
      // What the dead primary had sent before is not delivered to anybody any more.
      await cut.undo();
      await eventually(() => streams(cluster, 2));
      for (const { name } of cluster.servers)
        await eventually(async () => (await idsOn(cluster, name)).length === 20);
      await queryOnce(cluster, 'TRUNCATE ledger');
    }
  });
});

/** Resolves when the statement of this client waits for a standby's confirmation. */
async function waitsForStandby(cluster: Cluster, client: Client): Promise<void> {
  const { processID } = client as unknown as { processID: number };
  const sql = `SELECT wait_event FROM pg_stat_activity WHERE pid = ${processID}`;
  await eventually(async () => {
    const [row] = await queryOnce<{ wait_event: string | null }>(cluster, sql);
    return row?.wait_event === 'SyncRep';
  });
}

/** What one server itself has. */
async function idsOn(cluster: Cluster, name: string | undefined): Promise<number[]> {
  const { host, port } = cluster.servers.find((server) => server.name === name) ?? {};
  const rows = await queryOnce<{ id: number }>(cluster, 'SELECT id FROM ledger ORDER BY id', 'master', {
    host,
    port,
  });
  return rows.map(({ id }) => id);
}

/** So many standbys stream from the primary. */
async function streams(cluster: Cluster, count: number): Promise<boolean> {
  const sql = "SELECT count(*)::int AS streaming FROM pg_stat_replication WHERE state = 'streaming'";
  const [row] = await queryOnce<{ streaming: number }>(cluster, sql, 'master', { ...cluster.superuser });
  return row?.streaming === count;
}

/** How many standbys have flushed everything that the primary has, and have not replayed it. */
async function receivedButNotReplayed(cluster: Cluster): Promise<number> {
  const sql = `SELECT count(*)::int AS late FROM pg_stat_replication
                WHERE flush_lsn = pg_current_wal_flush_lsn() AND replay_lsn < flush_lsn`;
  const [row] = await queryOnce<{ late: number }>(cluster, sql, 'master', { ...cluster.superuser });
  return row?.late ?? 0;
}
