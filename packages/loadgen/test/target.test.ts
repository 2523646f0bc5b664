import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCluster } from '@schooldb/local-cluster';
import type { Cluster } from '@schooldb/local-cluster';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { PlainConnection } from '../src/drivers/plain-connection.ts';
import { run } from './support/program.ts';

let cluster: Cluster;
beforeAll(
  async () => void (cluster = await startCluster({ replicas: 0, synchronous: false, poolers: false })),
);
afterAll(() => cluster?.stop());

const SMALL = ['--clients', '20', '--think', '50ms', '--duration', '2s', '--quiet'];

function url({ password = cluster.password, database = cluster.database, query = '' } = {}): string {
  const { host, port } = cluster.endpoints.master;
  return `postgres://${cluster.user}:${encodeURIComponent(password)}@${host}:${port}/${database}${query}`;
}

async function tables(): Promise<unknown[]> {
  const connection = await PlainConnection.open({
    address: cluster.endpoints.master,
    database: cluster.database,
    user: cluster.user,
    password: cluster.password,
    tls: { ca: cluster.ca, verify: true },
    applicationName: 'test',
    connectTimeoutMs: 10_000,
    queryTimeoutMs: 10_000,
  });
  const { rows } = await connection.query(
    `select tablename from pg_tables where schemaname = 'public' order by 1`,
  );
  connection.destroy();
  return rows.map(({ tablename }) => tablename);
}

describe('loadgen --target', () => {
  it('verifies a load on a database of somebody else and leaves nothing in it', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'schooldb-loadgen-ca-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const ca = join(directory, 'ca.pem');
    writeFileSync(ca, cluster.ca);
    const target = url({ query: `?sslmode=verify-full&sslrootcert=${ca}` });
    const { code, stdout } = await run('cli', ...SMALL, '--target', target);
    expect(stdout).toContain('the schema schooldb is not installed');
    expect(stdout).toContain('verdict: pass');
    expect(code).toBe(0);
    expect(await tables()).toEqual([]);
  });

  it('seeds testdaten where it is missing and takes it away again', async () => {
    const load = [...SMALL, '--driver', 'pg', '--workload', 'random-row', '--rows', '50'];
    const { code, stdout } = await run('cli', ...load, '--target', url({ query: '?sslmode=require' }));
    expect(code).toBe(0);
    expect(stdout).toMatch(/^errors +0 /m);
    expect(await tables()).toEqual([]);
  });

  it('keeps its tables with --keep', async () => {
    const load = [...SMALL, '--driver', 'pg', '--keep', '--target', url({ query: '?sslmode=require' })];
    expect((await run('cli', ...load)).code).toBe(0);
    expect(await tables()).toEqual([
      expect.stringMatching(/^schooldb_loadgen_[0-9a-f]{8}_beat$/),
      expect.stringMatching(/^schooldb_loadgen_[0-9a-f]{8}_ledger$/),
    ]);
  });
});

describe('a target that cannot be used', () => {
  async function closedPort(): Promise<number> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    return port;
  }

  it.each<[string, () => string | Promise<string>, RegExp]>([
    [
      'is unreachable',
      async () => `postgres://u:p@127.0.0.1:${await closedPort()}/d`,
      /cannot reach .* ECONNREFUSED/,
    ],
    [
      'refuses the password',
      () => url({ password: 'wrong', query: '?sslmode=require' }),
      /password authentication failed/,
    ],
    [
      'has no such database',
      () => url({ database: 'nowhere', query: '?sslmode=require' }),
      /"nowhere" does not exist/,
    ],
    [
      'shows a certificate of an unknown authority',
      () => url({ query: '?sslmode=verify-full' }),
      /cannot reach .*certificate/,
    ],
  ])('%s: one line, exit code 3', async (_, target, line) => {
    const { code, stdout, stderr } = await run('cli', '--driver', 'pg', '--target', await target());
    expect(stderr).toMatch(line);
    expect(stderr.split('\n')).toHaveLength(2);
    expect(stderr).not.toContain(cluster.password);
    expect(stdout).toBe('');
    expect(code).toBe(3);
  });
});

describe('a command line that asks for the impossible', () => {
  it.each([
    [['--clinets', '300'], "unknown option '--clinets'"],
    [['--clients', '0'], "argument '0' is invalid"],
    [['--clients', 'many'], "argument 'many' is invalid"],
    [['--duration', '30'], "argument '30' is invalid"],
    [['--driver', 'odbc'], "argument 'odbc' is invalid"],
    [['--fault', 'meteorite@1s'], "there is no fault 'meteorite'"],
    [['--fault', 'kill-primary@31s'], 'comes after the end of the load'],
    [['--target', 'nonsense'], 'not a connection string'],
    [['--json', '/no/such/directory/report.json'], 'cannot be written'],
  ])('%j: one line, exit code 2', async (argv, line) => {
    const { code, stdout, stderr } = await run('cli', ...argv);
    expect(stderr).toContain(line);
    expect(stderr.split('\n')).toHaveLength(2);
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });
});
