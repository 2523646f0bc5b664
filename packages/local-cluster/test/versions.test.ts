/** What differs between PostgreSQL's majors and matters here; `npm test -- --postgres 18` runs it against another one. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCluster, type Cluster, type PostgresVersion } from '../src/index.ts';
import { eventually, queryOnce } from './support/clients.ts';
import { EventLog, healthy } from './support/events.ts';

const version = Number(process.env['SCHOOLDB_POSTGRES_VERSION'] ?? 16) as PostgresVersion;

describe(`PostgreSQL ${version}`, () => {
  let cluster: Cluster;
  let events: EventLog;

  beforeAll(async () => {
    const initSql = 'CREATE TABLE t (id int); ALTER TABLE t OWNER TO bauer';
    cluster = await startCluster({ version, replicas: 2, poolers: false, promoteAfterMs: 300, initSql });
    events = new EventLog(cluster);
  });
  afterAll(() => cluster.stop());

  it('is what was asked for, with checksums and commit times', async () => {
    const [row] = await queryOnce<Record<string, string>>(
      cluster,
      `SELECT current_setting('server_version_num')::int / 10000 AS major,
              current_setting('data_checksums') AS checksums, current_setting('track_commit_timestamp') AS times`,
    );
    expect(row).toEqual({ major: version, checksums: 'on', times: 'on' });
  });

  it.each(['kill-primary', 'freeze-primary'] as const)(
    'promotes after %s, loses nothing, and clones the old primary',
    async (name) => {
      const since = Date.now();
      const { primary, timeline } = await cluster.status();
      await queryOnce(cluster, 'INSERT INTO t VALUES (1)');
      const [before] = await queryOnce<{ rows: number }>(cluster, 'SELECT count(*)::int AS rows FROM t');
      await cluster.fault(name);
      const promoted = await events.next('primary:promoted', { since });
      expect(promoted.timeline).toBe((timeline ?? 0) + 1);
      await cluster.undoAllFaults();
      await events.next('server:rejoined', { since, server: primary ?? '' });
      expect(await queryOnce(cluster, 'SELECT count(*)::int AS rows FROM t')).toEqual([before]);
      await healthy(cluster);
    },
  );

  it('switches over without a clone', async () => {
    const since = Date.now();
    const { primary } = await cluster.status();
    await cluster.fault('switchover');
    await events.next('server:rejoined', { since, server: primary ?? '' });
    await healthy(cluster);
    expect(events.all.filter(({ type, at }) => type === 'server:cloning' && at >= since)).toEqual([]);
  });

  it('recovers in place after a crash of a backend', async () => {
    const since = Date.now();
    const { timeline } = await cluster.status();
    await cluster.fault('crash-backend');
    await events.next('fault:undone', { since });
    await queryOnce(cluster, 'INSERT INTO t VALUES (2)');
    expect((await cluster.status()).timeline).toBe(timeline);
  });

  it('lets standbys lag', async () => {
    const rows = async () => (await queryOnce(cluster, 'SELECT FROM t WHERE id = 3', 'replica')).length;
    const fault = await cluster.fault('lag', { lagMs: 600_000 });
    await queryOnce(cluster, 'INSERT INTO t VALUES (3)');
    expect(await rows()).toBe(0);
    await fault.undo();
    await eventually(async () => (await rows()) === 1);
  });
});
