import { existsSync } from 'node:fs';
import type { TLSSocket } from 'node:tls';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificates } from '../src/engine/certificates.ts';
import {
  connectCluster,
  startCluster,
  type Cluster,
  type ClusterEvent,
  type EndpointKind,
} from '../src/index.ts';
import { codeOf, connectClient, eventually, queryOnce } from './support/clients.ts';

/** Nobody else's. */
const NAME = `test-${process.pid}`;

describe('a cluster of three', () => {
  let cluster: Cluster;
  let history: ClusterEvent[];

  beforeAll(async () => {
    cluster = await startCluster({
      name: NAME,
      poolers: false,
      initSql:
        'CREATE TABLE zeugnis (id int PRIMARY KEY, note int); ALTER TABLE zeugnis OWNER TO bauer; INSERT INTO zeugnis VALUES (1, 2);',
      settings: { work_mem: '5MB' },
    });
    history = await cluster.history();
  });
  afterAll(() => cluster.stop());

  it('tells that it is up, once', () => {
    expect(history.at(-1)?.type).toBe('cluster:started');
    expect(history.filter(({ type }) => type === 'cluster:started')).toHaveLength(1);
    expect(cluster.patroni).toBeUndefined();
  });

  it('is found under its name, which a second one is not given', async () => {
    const other = await connectCluster(NAME);
    expect(other.endpoints).toEqual(cluster.endpoints);
    await other.disconnect();
    await expect(startCluster({ name: NAME, replicas: 0, poolers: false })).rejects.toThrow(
      `a cluster named ${NAME} is running already`,
    );
    await expect(startCluster({ name: 'no name' })).rejects.toThrow('cluster name "no name"');
  });

  it('has one primary and two synchronous standbys on one timeline', async () => {
    const status = await cluster.status();
    expect(status).toMatchObject({ primary: 'pg1', timeline: 1, blocked: null, faults: [] });
    expect(
      status.servers.map(({ name, role, state, synchronous }) => ({ name, role, state, synchronous })),
    ).toEqual([
      { name: 'pg1', role: 'primary', state: 'running', synchronous: false },
      { name: 'pg2', role: 'standby', state: 'running', synchronous: true },
      { name: 'pg3', role: 'standby', state: 'running', synchronous: true },
    ]);
    expect(status.virtualIps.map(({ kind, backends }) => ({ kind, backends }))).toEqual([
      { kind: 'master', backends: ['pg1'] },
      { kind: 'replica', backends: ['pg2', 'pg3'] },
    ]);
  });

  it('replicates what is written to the master address, initSql included', async () => {
    await queryOnce(cluster, 'INSERT INTO zeugnis VALUES (2, 1)');
    const rows = await eventually(async () => {
      const found = await queryOnce(cluster, 'SELECT id FROM zeugnis ORDER BY id', 'replica');
      return found.length === 2 && found;
    });
    expect(rows).toEqual([{ id: 1 }, { id: 2 }]);
  });

  it('reaches standbys, and only these, over the replica address', async () => {
    for (let count = 0; count < 4; count += 1) {
      expect(await queryOnce(cluster, 'SELECT pg_is_in_recovery() AS standby', 'replica')).toEqual([
        { standby: true },
      ]);
    }
    expect(await codeOf(queryOnce(cluster, 'INSERT INTO zeugnis VALUES (3, 1)', 'replica'))).toBe('25006');
    expect(await queryOnce(cluster, 'SELECT pg_is_in_recovery() AS standby')).toEqual([{ standby: false }]);
  });

  it('speaks TLS 1.3 with a certificate that its CA vouches for, by address and by name', async () => {
    for (const host of ['127.0.0.1', 'localhost']) {
      const client = await connectClient(cluster, 'master', { host });
      const socket = (client as unknown as { connection: { stream: TLSSocket } }).connection.stream;
      expect(socket.getProtocol()).toBe('TLSv1.3');
      expect(socket.authorized).toBe(true);
      await client.end();
    }
  });

  it('lets nobody in without TLS, without the password, or with a foreign CA', async () => {
    expect(await codeOf(connectClient(cluster, 'master', { ssl: false }))).toBe('28000');
    expect(await codeOf(connectClient(cluster, 'master', { password: 'wrong' }))).toBe('28P01');
    expect(await codeOf(connectClient(cluster, 'master', { ssl: true }))).toMatch(/CERT|SELF_SIGNED|UNABLE/);
  });

  it('gives an ordinary role that owns its database', async () => {
    const [role] = await queryOnce(
      cluster,
      `SELECT rolsuper, rolreplication, rolcreaterole, (SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()) AS owner
         FROM pg_roles WHERE rolname = current_user`,
    );
    expect(role).toEqual({ rolsuper: false, rolreplication: false, rolcreaterole: false, owner: 'bauer' });
    await queryOnce(cluster, 'CREATE TABLE mine (id int); DROP TABLE mine');
  });

  it('gives a superuser at the servers themselves', async () => {
    for (const { port } of cluster.servers) {
      const [row] = await queryOnce(
        cluster,
        'SELECT usesuper FROM pg_user WHERE usename = current_user',
        'master',
        {
          port,
          ...cluster.superuser,
        },
      );
      expect(row).toEqual({ usesuper: true });
    }
  });

  it('runs durably, with the settings that were asked for', async () => {
    const settings = [
      'fsync',
      'full_page_writes',
      'synchronous_commit',
      'track_commit_timestamp',
      'work_mem',
      'max_connections',
      'data_checksums',
      'server_encoding',
    ];
    const [row] = await queryOnce(
      cluster,
      `SELECT ${settings.map((name) => `current_setting('${name}') AS ${name}`).join(', ')}`,
    );
    expect(row).toEqual({
      fsync: 'on',
      full_page_writes: 'on',
      synchronous_commit: 'on',
      track_commit_timestamp: 'on',
      work_mem: '5MB',
      max_connections: '100',
      data_checksums: 'on',
      server_encoding: 'UTF8',
    });
  });

  it('gives connection strings that work as they are', async () => {
    const client = new pg.Client({ connectionString: cluster.connectionString('replica') });
    await client.connect();
    expect((await client.query('SELECT current_user AS me')).rows).toEqual([{ me: 'bauer' }]);
    await client.end();
    expect(() => cluster.connectionString('masterPooler')).toThrow(
      'this cluster has no masterPooler address (it has master, replica)',
    );
  });

  it('refuses a fault it does not know, and one for an address it does not have', async () => {
    await expect(cluster.fault('explode' as never)).rejects.toThrow(
      /^unknown fault "explode" \(allowed: kill-primary, /,
    );
    await expect(cluster.fault('refuse', { endpoint: 'masterPooler' })).rejects.toThrow(
      'no masterPooler address',
    );
    expect((await cluster.status()).faults).toEqual([]);
  });
});

describe('a cluster that is given its secrets', () => {
  it('has them, and shows the certificate at the servers and through the pooler', async () => {
    const certificates = await makeCertificates();
    const [password, superuserPassword] = ['Sch#ule=10;a!', 'Hausmeister'];
    await using cluster = await startCluster({ replicas: 1, password, superuserPassword, certificates });
    expect(cluster).toMatchObject({
      password,
      ca: certificates.ca,
      superuser: { password: superuserPassword },
    });
    for (const kind of Object.keys(cluster.endpoints) as EndpointKind[])
      expect(await queryOnce(cluster, 'SELECT 1 AS one', kind)).toEqual([{ one: 1 }]);
    // Standbys, clones and the supervisor find each other by them as well.
    await cluster.fault('switchover');
    await queryOnce(cluster, 'CREATE TABLE t AS SELECT 1 AS id');
  });
});

describe('a single server', () => {
  it('has a master address only, and nobody to promote', async () => {
    await using cluster = await startCluster({
      replicas: 0,
      poolers: false,
      database: 'Schule 10a',
      user: 'frau.müller',
      promoteAfterMs: 100,
    });
    expect(Object.keys(cluster.endpoints)).toEqual(['master']);
    const client = new pg.Client({ connectionString: cluster.connectionString() });
    await client.connect();
    expect((await client.query('SELECT current_database() AS d, current_user AS u')).rows).toEqual([
      { d: 'Schule 10a', u: 'frau.müller' },
    ]);
    await client.end();
    await queryOnce(cluster, 'CREATE TABLE t AS SELECT 1 AS id');
    await expect(cluster.fault('switchover')).rejects.toThrow(/^switchover: no standby follows/);
    await cluster.fault('kill-primary');
    // It recovers in place after the delay, with everything that was committed.
    expect(await eventually(() => queryOnce(cluster, 'SELECT id FROM t'))).toEqual([{ id: 1 }]);
    expect(await cluster.status()).toMatchObject({ primary: 'pg1', timeline: 1 });
  });
});

describe('stop', () => {
  it('leaves nothing, twice is fine, and everything else says that the cluster is gone', async () => {
    const cluster = await startCluster({ replicas: 0, poolers: false });
    const ca = new URL(cluster.connectionString()).searchParams.get('sslrootcert') ?? '';
    expect(existsSync(ca)).toBe(true);
    await Promise.all([cluster.stop(), cluster.stop()]);
    await cluster.stop();
    await cluster.ended;
    expect(existsSync(ca)).toBe(false);
    await expect(cluster.status()).rejects.toThrow(/not running any more/);
    await expect(cluster.fault('refuse')).rejects.toThrow(/not running any more/);
  });
});
