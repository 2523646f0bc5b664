import { existsSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { startCluster, type Cluster, type ClusterOptions } from '../src/index.ts';
import { descendantsOf } from '../src/process/process-table.ts';
import { mountsBelow } from '../src/process/mounts.ts';
import { codeOf, eventually, queryOnce } from './support/clients.ts';
import { canMount, exhaustWal } from './support/disk.ts';
import { EventLog, healthy } from './support/events.ts';
import { postmasterOf } from './support/postmaster.ts';
import { directoryOf } from './support/leftovers.ts';
import { firstLine, OWNER, spawnNode } from './support/spawn-node.ts';

const mayMount = canMount();
const INIT = 'CREATE TABLE t (id bigint, filler text); ALTER TABLE t OWNER TO bauer';
/** More than the pages hold that a table of one row has. */
const GROW = "INSERT INTO t SELECT id, 'more' FROM generate_series(2, 5000) AS id";

describe.skipIf(!mayMount)(
  mayMount ? 'disk-full' : 'disk-full (skipped: file systems can only be mounted by root on Linux)',
  () => {
    let cluster: Cluster | undefined;
    afterEach(async () => {
      if (cluster === undefined) return;
      const directory = directoryOf(cluster);
      await cluster.stop();
      cluster = undefined;
      expect(await mountsBelow(directory)).toEqual([]);
    });

    async function start(options: ClusterOptions): Promise<{ cluster: Cluster; events: EventLog }> {
      cluster = await startCluster({
        diskMb: 256,
        poolers: false,
        promoteAfterMs: 300,
        initSql: INIT,
        ...options,
      });
      return { cluster, events: new EventLog(cluster) };
    }

    it('lets PostgreSQL meet ENOSPC, and is over when it is undone', async () => {
      const { cluster } = await start({ replicas: 0 });
      await queryOnce(cluster, "INSERT INTO t VALUES (1, '')");
      const fault = await cluster.fault('disk-full');
      expect(fault.target).toBe('pg1');
      // The table can't grow; the WAL's last segment has room for less than that.
      await eventually(async () => (await codeOf(queryOnce(cluster, GROW))) === '53100');
      expect(readFileSync(cluster.logFileOf('pg1'), 'utf8')).toMatch(/No space left on device/);
      await fault.undo();
      await eventually(async () => (await codeOf(queryOnce(cluster, GROW))) === undefined);
      expect(await queryOnce(cluster, 'SELECT count(*)::int AS rows FROM t')).toEqual([{ rows: 5_000 }]);
    });

    it('takes a server down that cannot write its WAL, and it comes back with the room', async () => {
      const { cluster, events } = await start({ replicas: 0, promoteAfterMs: false });
      const since = Date.now();
      await queryOnce(cluster, 'INSERT INTO t VALUES (1)');
      const fault = await cluster.fault('disk-full');
      void exhaustWal(cluster);
      await events.next('primary:lost', { since });
      expect(readFileSync(cluster.logFileOf('pg1'), 'utf8')).toMatch(/PANIC:.*No space left on device/);
      await fault.undo();
      await eventually(async () => (await queryOnce(cluster, 'SELECT id FROM t WHERE id = 1')).length === 1);
    });

    it('on a primary that cannot go on lets a standby take over; it is cloned once there is room', async () => {
      const { cluster, events } = await start({ replicas: 2 });
      const since = Date.now();
      await queryOnce(cluster, 'INSERT INTO t VALUES (1)');
      const fault = await cluster.fault('disk-full', { server: 'primary' });
      void exhaustWal(cluster);
      const { server } = await events.next('primary:promoted', { since });
      expect(server).not.toBe('pg1');
      expect(await queryOnce(cluster, 'SELECT id FROM t')).toEqual([{ id: '1' }]);
      await queryOnce(cluster, 'INSERT INTO t VALUES (2)');
      expect(events.all.filter(({ type }) => type === 'server:cloning')).toEqual([]);
      await fault.undo();
      await events.next('server:rejoined', { since, server: 'pg1' });
      await healthy(cluster);
      expect(await queryOnce(cluster, 'SELECT id FROM t ORDER BY id')).toEqual([{ id: '1' }, { id: '2' }]);
    });

    it('on one standby leaves the others to confirm, and needs no copy afterwards', async () => {
      const { cluster, events } = await start({ replicas: 2 });
      const since = Date.now();
      const fault = await cluster.fault('disk-full', { server: 'pg2' });
      await expect(cluster.fault('disk-full', { server: 'pg2' })).rejects.toThrow(/pg2 is full already/);
      // As if it had died for it: without room it is left alone.
      process.kill(postmasterOf(cluster, 'pg2'), 'SIGKILL');
      await events.next('server:lost', { since, server: 'pg2' });
      await queryOnce(cluster, GROW);
      expect(events.all.filter(({ type }) => type === 'server:cloning')).toEqual([]);
      await fault.undo();
      await events.next('server:rejoined', { since, server: 'pg2' });
      await healthy(cluster);
      expect(events.all.filter(({ type }) => type === 'server:cloning')).toEqual([]);
    });

    it('does not promote a standby without room, and says so; undo lets it', async () => {
      const { cluster, events } = await start({ replicas: 1 });
      const since = Date.now();
      await queryOnce(cluster, 'INSERT INTO t VALUES (1)');
      const fault = await cluster.fault('disk-full', { server: 'pg2' });
      await cluster.fault('kill-primary');
      const { detail } = await events.next('promotion:blocked', { since });
      expect(detail).toBe('no promotion: pg2 holds the most and has no room on its disk to be primary');
      await fault.undo();
      expect((await events.next('primary:promoted', { since })).server).toBe('pg2');
      expect(await queryOnce(cluster, 'SELECT id FROM t')).toEqual([{ id: '1' }]);
    });

    it('leaves nothing mounted when everything is killed', async () => {
      const options: ClusterOptions = { diskMb: 256, poolers: false, replicas: 1 };
      const owner = spawnNode([OWNER, JSON.stringify(options)]);
      const { connectionString } = await firstLine<{ connectionString: string }>(owner);
      const directory = directoryOf({ connectionString: () => connectionString });
      expect(await mountsBelow(directory)).toEqual([`${directory}/pg1/data`, `${directory}/pg2/data`]);
      const [supervisor] = descendantsOf([owner.pid]).filter(({ parent }) => parent === owner.pid);
      process.kill(supervisor?.pid ?? 0, 'SIGKILL');
      owner.child.kill('SIGKILL');
      await eventually(async () => (await mountsBelow(directory)).length === 0 && !existsSync(directory));
    });
  },
);

describe('disk-full without a file system of the server’s own', () => {
  it('is refused with what to do', async () => {
    const cluster = await startCluster({ replicas: 0, poolers: false });
    try {
      await expect(cluster.fault('disk-full')).rejects.toThrow(
        /start the cluster with diskMb \(--disk 512\)$/,
      );
    } finally {
      await cluster.stop();
    }
  });
});
