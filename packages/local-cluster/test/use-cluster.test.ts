/** The fixture is used as an app developer would, and its complaints are read from a run of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { useCluster } from '../src/vitest/use-cluster.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const VITEST = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');

describe('useCluster', () => {
  const cluster = useCluster({ replicas: 1, promoteAfterMs: 300, migrate: 'CREATE TABLE t (id int)' });

  async function query(sql: string, kind?: 'master' | 'replica'): Promise<unknown[]> {
    const client = new pg.Client({ connectionString: cluster.connectionString(kind) });
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  }

  it.each([1, 2])('gives test %i an empty copy of the template, on every server', async () => {
    expect(cluster.database).toMatch(/^test_\d$/);
    expect(await query('SELECT id FROM t', 'replica')).toEqual([]);
    await query('INSERT INTO t VALUES (1)');
    expect(await query('SELECT id FROM t')).toEqual([{ id: 1 }]);
  });

  it('may be left in the middle of a fault', async () => {
    await cluster.fault('freeze-primary');
    await cluster.fault('latency', { endpoint: 'replica', latencyMs: 5 });
  });

  it('is healthy again for the next test', async () => {
    const { faults, primary, servers } = await cluster.status();
    expect(faults).toEqual([]);
    expect(primary).not.toBeNull();
    expect(servers.map(({ state }) => state)).toEqual(['running', 'running']);
    await query('INSERT INTO t VALUES (1)');
  });
});

it("runs the README's example as it is", async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const blocks = [...readme.matchAll(/```js\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
  const { code, output } = await runTests(blocks.find((block) => block.includes('useCluster')) ?? '');
  expect({ code, output }).toMatchObject({ code: 0, output: expect.stringMatching(/Tests\s+1 passed/) });
});

it('fails a test that leaves connections open, and no other', async () => {
  const { code, output } = await runTests(`
    import { useCluster } from '@schooldb/local-cluster/vitest';
    import pg from 'pg';
    import { it } from 'vitest';

    const cluster = useCluster({ replicas: 0 });
    const client = async () => {
      const connected = new pg.Client({ connectionString: cluster.connectionString(), application_name: 'forgotten' });
      connected.on('error', () => {});
      await connected.connect();
      return connected;
    };
    it('leaks', async () => void (await client()));
    it('closes', async () => (await client()).end());
  `);
  expect(code).toBe(1);
  expect(output).toMatch(/Tests\s+1 failed \| 1 passed/);
  expect(output).toContain('the test left 1 connection to test_1 open (forgotten idle on pg1): close pools');
});

/** Vitest in a project of its own, which finds this package by its name as it lies below it. */
async function runTests(text: string): Promise<{ code: number | null; output: string }> {
  const directory = await mkdtemp(join(HERE, 'run-'));
  try {
    await writeFile(join(directory, 'example.test.mjs'), text);
    await writeFile(join(directory, 'vitest.config.mjs'), 'export default {};\n');
    const { NODE_OPTIONS: _ours, VITEST: _running, ...env } = process.env;
    const args = [VITEST, 'run', '--root', directory, '--no-color'];
    const child = spawn(process.execPath, args, { cwd: directory, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, output };
  } finally {
    await rm(directory, { recursive: true });
  }
}
