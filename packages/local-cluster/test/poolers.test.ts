import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findPgbouncer } from '../src/engine/embedded/binaries.ts';
import { serverProcessesIn } from '../src/process/process-table.ts';
import { startCluster, type Cluster } from '../src/index.ts';
import { codeOf, connectClient, eventually, queryOnce } from './support/clients.ts';
import { EventLog } from './support/events.ts';
import { directoryOf } from './support/leftovers.ts';

const installed = (await findPgbouncer()) !== undefined;
// In CI they fail instead of being skipped.
const skipped = !installed && process.env['CI'] === undefined;
const HOW_TO_GET_IT = 'install PgBouncer with apt-get install pgbouncer or brew install pgbouncer';

const WHO = "SELECT current_setting('cluster_name') AS name, pg_is_in_recovery() AS standby";

interface Who {
  name: string;
  standby: boolean;
}

describe.skipIf(skipped)(skipped ? `poolers (skipped: ${HOW_TO_GET_IT})` : 'poolers', () => {
  let cluster: Cluster;
  let events: EventLog;

  beforeAll(async () => {
    cluster = await startCluster({
      poolers: true,
      promoteAfterMs: 300,
      initSql: 'CREATE TABLE t (id int); ALTER TABLE t OWNER TO bauer',
    });
    events = new EventLog(cluster);
  });
  afterAll(() => cluster.stop());

  it('lead to the primary and to a standby', async () => {
    expect(Object.keys(cluster.endpoints)).toEqual(['master', 'replica', 'masterPooler', 'replicaPooler']);
    expect(await queryOnce(cluster, 'SELECT pg_is_in_recovery() AS standby', 'masterPooler')).toEqual([
      { standby: false },
    ]);
    expect(await queryOnce(cluster, 'SELECT pg_is_in_recovery() AS standby', 'replicaPooler')).toEqual([
      { standby: true },
    ]);
  });

  it('share server connections between transactions', async () => {
    const clients = await Promise.all(
      Array.from({ length: 20 }, () => connectClient(cluster, 'masterPooler')),
    );
    const pids = new Set<unknown>();
    for (const client of clients)
      pids.add((await client.query('SELECT pg_backend_pid() AS pid')).rows[0].pid);
    expect(pids.size).toBeLessThan(5);
    await Promise.all(clients.map((client) => client.end()));
  });

  it('want TLS and the password, and refuse startup parameters as Zalando’s do', async () => {
    expect(await codeOf(connectClient(cluster, 'masterPooler', { ssl: false }))).toBe('08P01');
    expect(await codeOf(connectClient(cluster, 'masterPooler', { password: 'wrong' }))).toBe('08P01');
    expect(await codeOf(connectClient(cluster, 'masterPooler', { statement_timeout: 1_000 }))).toBe('08P01');
  });

  it('follow the primary after a failover', async () => {
    const since = Date.now();
    await queryOnce(cluster, 'INSERT INTO t VALUES (1)', 'masterPooler');
    await cluster.fault('kill-primary');
    await events.next('primary:promoted', { since });
    // PgBouncer holds a failed login against new clients for server_login_retry, 5 s.
    await eventually(async () => {
      await queryOnce(cluster, 'INSERT INTO t VALUES (2)', 'masterPooler');
      return true;
    });
    const rows = await queryOnce(cluster, 'SELECT DISTINCT id FROM t ORDER BY id', 'masterPooler');
    expect(rows).toEqual([{ id: 1 }, { id: 2 }]);
  });

  it('take network faults of their own', async () => {
    const fault = await cluster.fault('refuse', { endpoint: 'masterPooler' });
    expect(await codeOf(connectClient(cluster, 'masterPooler'))).toBe('ECONNREFUSED');
    expect(await queryOnce(cluster, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await fault.undo();
    expect(await queryOnce(cluster, 'SELECT 1 AS one', 'masterPooler')).toEqual([{ one: 1 }]);
  });

  it('stay on the demoted server with stale-pooler, whatever the roles do, until undone', async () => {
    const since = Date.now();
    const client = await connectClient(cluster, 'masterPooler');
    const who = async () => (await client.query<Who>(WHO)).rows[0];
    const { primary: former } = await cluster.status();
    expect(await who()).toEqual({ name: former, standby: false });
    const pinned = await cluster.fault('stale-pooler', { server: 'primary' });
    expect(pinned).toMatchObject({ name: 'stale-pooler', target: 'masterPooler' });
    await cluster.fault('switchover');
    await events.next('server:rejoined', { since, server: former ?? '' });
    // Its clients outlive the hand-over, and meet a standby where they expect the primary.
    await eventually(async () => (await who())?.standby === true);
    expect(await codeOf(queryOnce(cluster, 'INSERT INTO t VALUES (3)', 'masterPooler'))).toBe('25006');
    const { primary } = await cluster.status();
    await pinned.undo();
    expect(await who()).toEqual({ name: primary, standby: false });

    // And afterwards: it is sent back to the one that was demoted.
    const returned = await cluster.fault('stale-pooler');
    expect(await who()).toEqual({ name: former, standby: true });
    expect(events.all.find(({ fault }) => fault?.id === returned.id)?.detail).toBe(
      `stale-pooler hits masterPooler (stays on ${former})`,
    );
    await returned.undo();
    expect(await who()).toEqual({ name: primary, standby: false });
    await client.end();
  });

  it('are started again when they die', async () => {
    const since = Date.now();
    const [pooler] = serverProcessesIn(`${directoryOf(cluster)}/pooler-master`);
    process.kill(pooler?.pid ?? 0, 'SIGKILL');
    await events.next('pooler:restarted', { since });
    expect(await queryOnce(cluster, 'SELECT 1 AS one', 'masterPooler')).toEqual([{ one: 1 }]);
  });
});
