import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startCluster, type Cluster } from '../src/index.ts';
import { connectClient, eventually, queryOnce, type Client } from './support/clients.ts';
import { EventLog } from './support/events.ts';

const INIT = 'CREATE TABLE t (id int PRIMARY KEY); ALTER TABLE t OWNER TO bauer';

describe.each([{ synchronous: true }, { synchronous: false }])('partition, with %o', ({ synchronous }) => {
  let cluster: Cluster;
  let events: EventLog;

  beforeAll(async () => {
    cluster = await startCluster({
      replicas: 2,
      poolers: false,
      promoteAfterMs: 300,
      initSql: INIT,
      synchronous,
    });
    events = new EventLog(cluster);
  });
  afterEach(async () => {
    await cluster.undoAllFaults();
    await eventually(async () => (await followers()) === 2);
    await queryOnce(cluster, 'TRUNCATE t');
  });
  afterAll(() => cluster.stop());

  async function followers(): Promise<number> {
    const sql = "SELECT count(*)::int AS count FROM pg_stat_replication WHERE state = 'streaming'";
    const [row] = await queryOnce<{ count: number }>(cluster, sql, 'master', { ...cluster.superuser });
    return row?.count ?? 0;
  }

  async function standbys(): Promise<{ primary: string; standbys: [string, string] }> {
    const { primary } = await cluster.status();
    const names = cluster.servers.map(({ name }) => name).filter((name) => name !== primary);
    return { primary: primary ?? '', standbys: names as [string, string] };
  }

  async function idsFrom(name?: string): Promise<number[]> {
    const { host, port } = cluster.servers.find((server) => server.name === name) ?? {};
    const where = name === undefined ? {} : { host, port };
    const rows = await queryOnce<{ id: number }>(cluster, 'SELECT id FROM t ORDER BY id', 'master', where);
    return rows.map(({ id }) => id);
  }

  it('cuts the primary off: two primaries live, and the old one is fenced when it is reached again', async () => {
    const since = Date.now();
    const { primary: former } = await standbys();
    const client = await connectClient(cluster);
    await queryOnce(cluster, 'INSERT INTO t VALUES (1)');
    const fault = await cluster.fault('partition');
    expect(fault.target).toMatch(new RegExp(`^${former} \\| pg\\d, pg\\d, control$`));
    const { server: successor } = await events.next('primary:promoted', { since });
    const { servers } = await cluster.status();
    const primaries = servers.filter(({ role }) => role === 'primary').map(({ name }) => name);
    expect(new Set(primaries)).toEqual(new Set([former, successor]));
    await queryOnce(cluster, 'INSERT INTO t VALUES (2)');
    // The old one still serves whoever is connected to it.
    let acknowledged = false;
    const write = client.query('INSERT INTO t VALUES (3)').then(
      () => (acknowledged = true),
      () => undefined,
    );
    if (synchronous) await waitsForStandby(former, client);
    else await write;
    expect(acknowledged).toBe(!synchronous);
    await fault.undo();
    await Promise.all([client.lost, write]);
    expect(acknowledged).toBe(!synchronous);
    await events.next('server:rejoined', { since, server: former });
    expect(await idsFrom()).toEqual([1, 2]);
    await eventually(async () => (await idsFrom(former)).length === 2);
    const cloned = events.all.filter(({ type, at }) => type === 'server:cloning' && at >= since);
    expect(cloned.map(({ server }) => server)).toEqual([former]);
  });

  it('fences the old primary before what clients have sent it meanwhile arrives', async () => {
    const since = Date.now();
    const client = await connectClient(cluster);
    const fault = await cluster.fault('partition', {
      groups: [['primary'], ['standbys', 'clients', 'control']],
    });
    let acknowledged = false;
    const write = client.query('INSERT INTO t VALUES (1)').then(
      () => (acknowledged = true),
      () => undefined,
    );
    await events.next('primary:promoted', { since });
    await fault.undo();
    await Promise.all([client.lost, write]);
    expect(acknowledged).toBe(false);
    expect(await idsFrom()).toEqual([]);
  });

  it('cuts the supervisor off from everybody: nobody is promoted, clients do not notice', async () => {
    const since = Date.now();
    const before = await cluster.status();
    const client = await connectClient(cluster);
    const fault = await cluster.fault('partition', { groups: [['control'], ['primary', 'standbys']] });
    await events.next('promotion:blocked', { since });
    await client.query('INSERT INTO t VALUES (1)');
    await queryOnce(cluster, 'INSERT INTO t VALUES (2)');
    await fault.undo();
    await client.query('INSERT INTO t VALUES (3)');
    await client.end();
    const after = await cluster.status();
    expect([after.primary, after.timeline]).toEqual([before.primary, before.timeline]);
    expect(events.all.filter(({ type, at }) => type === 'server:cloning' && at >= since)).toEqual([]);
  });

  it('cuts clients off from the primary alone: silence, and what was held back arrives', async () => {
    const since = Date.now();
    const before = await cluster.status();
    const client = await connectClient(cluster);
    const fault = await cluster.fault('partition', {
      groups: [
        ['clients', 'standbys'],
        ['primary', 'control'],
      ],
    });
    let answered = false;
    const write = client.query('INSERT INTO t VALUES (1)').then(() => (answered = true));
    // Through another address the others are still reached.
    await queryOnce(cluster, 'SELECT 1', 'replica');
    await expect(queryOnce(cluster, 'SELECT 1', 'master', { connectionTimeoutMillis: 700 })).rejects.toThrow(
      /timeout/,
    );
    expect(answered).toBe(false);
    await fault.undo();
    await write;
    await client.end();
    expect((await cluster.status()).timeline).toBe(before.timeline);
    expect(events.all.filter(({ type, at }) => type === 'primary:lost' && at >= since)).toEqual([]);
  });

  const itWhereConfirmed = synchronous ? it : () => undefined;
  itWhereConfirmed('promotes nobody as long as one may be beyond it who has confirmed a commit', async () => {
    const since = Date.now();
    const {
      primary,
      standbys: [near, far],
    } = await standbys();
    const groups = [
      [near, 'control'],
      [primary, far],
    ];
    const fault = await cluster.fault('partition', { groups });
    const { detail } = await events.next('promotion:blocked', { since });
    expect(detail).toContain(`${far} may hold acknowledged commits`);
    await queryOnce(cluster, 'INSERT INTO t VALUES (1)');
    await fault.undo();
    expect((await cluster.status()).primary).toBe(primary);
    expect(await idsFrom()).toEqual([1]);
  });

  it('outlasts another one that overlaps it', async () => {
    const since = Date.now();
    const { primary: former } = await standbys();
    const first = await cluster.fault('partition');
    await events.next('primary:promoted', { since });
    const second = await cluster.fault('partition', { groups: [[former], ['control']] });
    await first.undo();
    // Still beyond the second: neither fenced nor cloned.
    const { servers } = await cluster.status();
    expect(servers.filter(({ role }) => role === 'primary')).toHaveLength(2);
    await second.undo();
    await events.next('server:rejoined', { since, server: former });
  });

  /** On the server itself: the address leads to another one. */
  async function waitsForStandby(server: string, { processID }: Client): Promise<void> {
    const { host, port } = cluster.servers.find(({ name }) => name === server) ?? {};
    const sql = `SELECT wait_event AS event FROM pg_stat_activity WHERE pid = ${processID}`;
    await eventually(async () => {
      const [row] = await queryOnce<{ event: string }>(cluster, sql, 'master', { host, port });
      return row?.event === 'SyncRep';
    });
  }
});
