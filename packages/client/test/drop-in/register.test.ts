/** Apps that say `pg`, not a character of them changed, started with `--import @schooldb/client/register`. */
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Cluster } from '@schooldb/local-cluster';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestCluster } from '../support/with-cluster.ts';

let cluster: Cluster;
let directory: string;

const require = createRequire(import.meta.url);
const root = (name: string) => {
  const entry = require.resolve(name);
  return entry.slice(0, entry.lastIndexOf(`/node_modules/${name}/`) + `/node_modules/${name}`.length);
};

/** A library of somebody else's, which brings no pg of its own. */
const LIBRARY = `const { Pool } = require('pg');
exports.ask = async (options) => {
  const pool = new Pool(options);
  try { return (await pool.query('SELECT 2 AS n')).rows[0].n; } finally { await pool.end(); }
};`;

const BODY = `
const ssl = { ca: process.env.TEST_CA };
const own = require('pg');
const pool = new Pool({ ssl });
pool.query('SELECT 1 AS n').then(async ({ rows }) => {
  const OriginalPool = require('pg-pool');
  console.log(JSON.stringify({
    rows,
    same: own.Pool === Pool,
    native: own.native,
    judges: pool.master !== undefined,
    library: await ask({ ssl }),
    companion: new OriginalPool().Client === pool.Client,
  }));
  await pool.end();
});`;

const APPS = {
  'app.cjs': `const { Pool } = require('pg');\nconst { ask } = require('library');${BODY}`,
  'app.mjs': `import { createRequire } from 'node:module';
import pg, { Pool } from 'pg';
import { ask } from 'library';
const require = createRequire(import.meta.url);
if (pg.Pool !== Pool) throw new Error('two pools');${BODY}`,
};

beforeAll(async () => {
  cluster = await startTestCluster({ replicas: 0, synchronous: false });
  directory = await mkdtemp(join(tmpdir(), 'schooldb-register-'));
  const modules = join(directory, 'node_modules');
  await mkdir(join(modules, '@schooldb'), { recursive: true });
  await symlink(fileURLToPath(new URL('../..', import.meta.url)), join(modules, '@schooldb/client'));
  for (const name of ['pg', 'pg-pool']) await symlink(root(name), join(modules, name));
  await mkdir(join(modules, 'library'));
  await writeFile(join(modules, 'library/index.js'), LIBRARY);
  for (const [name, text] of Object.entries(APPS)) await writeFile(join(directory, name), text);
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
  await cluster.stop();
});

function run(args: string[]) {
  const { database, user, password, ca, endpoints } = cluster;
  const { host, port } = endpoints.master;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--no-warnings', ...args], {
    cwd: directory,
    encoding: 'utf8',
    timeout: 60_000,
    env: {
      ...process.env,
      PGHOST: host,
      PGPORT: String(port),
      PGDATABASE: database,
      PGUSER: user,
      PGPASSWORD: password,
      TEST_CA: ca,
    },
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Record<string, unknown>;
}

describe.each(Object.keys(APPS))('%s', (app) => {
  it('has the original as it is', () => {
    expect(run([app])).toMatchObject({
      rows: [{ n: 1 }],
      same: true,
      judges: false,
      library: 2,
      companion: true,
    });
  });

  it('has the drop-in when it was registered before, and so have its libraries', () => {
    expect(run(['--import', '@schooldb/client/register', app])).toEqual({
      rows: [{ n: 1 }],
      same: true,
      native: null,
      judges: true,
      library: 2,
      // pg-pool by itself makes clients of pg's own.
      companion: false,
    });
  });
});
