/** What a process is told from outside, on real servers: variables, connection strings, files. */
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { inspect, isDeepStrictEqual } from 'node:util';
import type { Cluster } from '@schooldb/local-cluster';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import type { SchoolDb } from '../../src/index.ts';
import { createSchoolDb } from '../../src/index.ts';
import { clientOf, startTestCluster, until } from '../support/with-cluster.ts';

let cluster: Cluster;
let directory: string;
let caFile: string;
const open: SchoolDb[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'schooldb-options-'));
  cluster = await startTestCluster({ replicas: 2 });
  caFile = await fileWith('ca.pem', cluster.ca);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(open.splice(0).map((db) => db.close()));
});

afterAll(async () => {
  await cluster.stop();
  await rm(directory, { recursive: true });
});

/** A client made after its process was given these variables. */
function clientIn(env: Record<string, string>, ...given: Parameters<typeof createSchoolDb>): SchoolDb {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const db = createSchoolDb(...given);
  open.push(db);
  return db;
}

/** Puts the file in its place at once, as Kubernetes does with secrets. */
async function fileWith(name: string, text: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
  return path;
}

async function rowOf(db: SchoolDb, text: string): Promise<unknown> {
  return (await db.write(text)).rows[0];
}

const WHO = `SELECT current_user AS who, current_database() AS where, ssl, current_setting('application_name') AS name
  FROM pg_stat_ssl WHERE pid = pg_backend_pid()`;

function libpqVariables() {
  const { database, user, password, endpoints } = cluster;
  return {
    PGHOST: endpoints.master.host,
    PGPORT: String(endpoints.master.port),
    PGDATABASE: database,
    PGUSER: user,
    PGPASSWORD: password,
    PGSSLMODE: 'verify-full',
    PGSSLROOTCERT: caFile,
  };
}

/** As an app would write it for all servers, with their own addresses. */
function urlOf(parameters: string, password = cluster.password): string {
  const hosts = cluster.servers.map(({ host, port }) => `${host}:${port}`).join(',');
  const { user, database } = cluster;
  return `postgres://${user}:${encodeURIComponent(password)}@${hosts}/${database}?${parameters}`;
}

it("works from libpq's variables alone", async () => {
  const env = { ...libpqVariables(), PGAPPNAME: 'timetable', PGOPTIONS: '-c search_path=lehrer' };
  const db = clientIn(env);
  const { database, user } = cluster;
  expect(await rowOf(db, WHO)).toEqual({ who: user, where: database, ssl: true, name: 'timetable' });
  expect(await rowOf(db, 'SHOW search_path')).toEqual({ search_path: 'lehrer' });
  // The server's pg_hba.conf insists on TLS, and tells who comes without.
  const plain = clientIn({ PGSSLMODE: 'disable' });
  await expect(plain.query('SELECT 1')).rejects.toThrow(/no encryption/);
});

it('reads other variables than those of the process, or none, where it is told to', async () => {
  const db = clientIn({ PGAPPNAME: 'timetable', SCHOOLDB_MISTAKE: 'yes' }, {}, libpqVariables());
  const { database, user } = cluster;
  expect(await rowOf(db, WHO)).toEqual({ who: user, where: database, ssl: true, name: 'schooldb' });
  expect(() => createSchoolDb({}, {})).toThrow(/endpoints.master/);
});

it('works from its own variables alone, which come before others', async () => {
  const { database, user, password, endpoints } = cluster;
  const text = (address: { host: string; port: number }) => `${address.host}:${address.port}`;
  const db = clientIn({
    SCHOOLDB_MASTER: `127.0.0.1:1,${text(endpoints.master)}`,
    SCHOOLDB_REPLICA: text(endpoints.replica!),
    SCHOOLDB_DATABASE: database,
    SCHOOLDB_USER: user,
    SCHOOLDB_PASSWORD: password,
    SCHOOLDB_TLS_CA_FILE: caFile,
    SCHOOLDB_APPLICATION_NAME: 'own',
    SCHOOLDB_CONSISTENCY: 'eventual',
    PGUSER: 'nobody',
    PGHOST: '127.0.0.1',
    PGPORT: '1',
    DATABASE_URL: 'mysql://elsewhere/db',
  });
  expect(await rowOf(db, WHO)).toEqual({ who: user, where: database, ssl: true, name: 'own' });
  const read = await db.read('SELECT pg_is_in_recovery() AS standby');
  expect(read.rows).toEqual([{ standby: true }]);
});

it('checks certificate and name with sslmode=require too, and takes no wrong authority for the right one', async () => {
  const wrong = await fileWith('wrong.pem', rootCertificates[0]!);
  for (const mode of ['require', 'verify-ca', 'verify-full']) {
    const right = clientIn({}, urlOf(`sslmode=${mode}&sslrootcert=${encodeURIComponent(caFile)}`));
    expect(await rowOf(right, WHO)).toMatchObject({ ssl: true });
    for (const parameters of [
      `sslmode=${mode}&sslrootcert=${encodeURIComponent(wrong)}`,
      `sslmode=${mode}`,
    ]) {
      const error: unknown = await clientIn({}, urlOf(parameters))
        .query('SELECT 1')
        .catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'SCHOOLDB_CONNECTION_REJECTED' });
      expect(String(error)).toMatch(/certificate.*tls\.ca/);
    }
  }
  const misnamed = clientIn(
    { SCHOOLDB_TLS_SERVER_NAME: 'db.example' },
    urlOf(`sslrootcert=${encodeURIComponent(caFile)}`),
  );
  await expect(misnamed.query('SELECT 1')).rejects.toThrow(/tls\.serverName/);
});

it('shows no password of a connection string that the server refuses', async () => {
  const db = clientIn({}, urlOf(`sslrootcert=${encodeURIComponent(caFile)}`, 'falsch-4711'));
  const error: unknown = await db.query('SELECT 1').catch((reason: unknown) => reason);
  expect(String(error)).toMatch(/password authentication failed/);
  expect(inspect([error, db, db.health()], { depth: 20, showHidden: true })).not.toContain('falsch-4711');
});

it.each([
  ['the file of SCHOOLDB_PASSWORD_FILE', 'SCHOOLDB_PASSWORD_FILE', (password: string) => `${password}\n`],
  [
    'the file of PGPASSFILE',
    'PGPASSFILE',
    (password: string) => `# ours\n*:*:*:${cluster.user}:${password}\n`,
  ],
  ['a function', undefined, (password: string) => password],
] as const)('follows a rotation of the password without a restart: %s', async (_what, variable, content) => {
  const { PGPASSWORD: _password, ...env } = libpqVariables();
  const { user } = cluster;
  let current = cluster.password;
  const file = await fileWith('password', content(current));
  const db = clientIn(
    variable === undefined ? env : { ...env, [variable]: file },
    variable === undefined ? { password: async () => Promise.resolve(current) } : {},
  );
  const admin = clientOf(cluster, cluster.superuser);
  const rotate = async (password: string) => {
    await admin.write(`ALTER ROLE ${user} PASSWORD '${password}'`);
    current = password;
    await fileWith('password', content(password));
    await admin.write('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1', [user]);
  };
  const backend = async () => (await db.read('SELECT pg_backend_pid() AS pid')).rows[0];
  try {
    const first = await backend();
    await rotate('neu-4711');
    await until('there is a new connection', async () => !isDeepStrictEqual(await backend(), first));
  } finally {
    await rotate(cluster.password);
    await admin.close();
  }
});

it('rides through the death of a primary on a connection string with several hosts', async () => {
  const db = clientIn({}, urlOf(`sslmode=verify-full&sslrootcert=${encodeURIComponent(caFile)}`));
  await db.write('CREATE TABLE several (n integer)');
  const { timeline } = await cluster.status();
  let written = 0;
  const enough = new AbortController();
  const errors: unknown[] = [];
  const writing = (async () => {
    for (; !enough.signal.aborted; written += 1)
      await db.write('INSERT INTO several VALUES ($1)', [written], { exactlyOnce: true });
  })().catch((error: unknown) => errors.push(error));
  try {
    await until('writes flow', () => written > 20);
    await cluster.fault('kill-primary');
    await until('a standby is promoted', async () => ((await cluster.status()).timeline ?? 0) > timeline!);
    const atPromotion = written;
    await until('writing goes on', () => written > atPromotion + 20 || errors.length > 0);
  } finally {
    enough.abort();
    await writing;
  }
  expect(errors).toEqual([]);
  expect(
    await rowOf(db, 'SELECT count(*)::integer AS rows, count(DISTINCT n)::integer AS different FROM several'),
  ).toEqual({
    rows: written,
    different: written,
  });
  const read = await db.read('SELECT count(*)::integer AS rows FROM several');
  expect(read.rows).toEqual([{ rows: written }]);
});
