/** The client as a guest in somebody's process. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Cluster } from '@schooldb/local-cluster';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestCluster } from '../support/with-cluster.ts';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startTestCluster({ replicas: 0, synchronous: false });
});

afterAll(() => cluster.stop());

/** Runs an app of one line in a process of its own; `db` is its client. */
async function runApp(line: string): Promise<{ code: number | null; output: string }> {
  const { database, user, password, ca, endpoints } = cluster;
  const options = { endpoints: { master: endpoints.master }, database, user, password, tls: { ca } };
  const index = new URL('../../src/index.ts', import.meta.url).href;
  const app = `import { createSchoolDb } from ${JSON.stringify(index)}
    const db = createSchoolDb(${JSON.stringify(options)})
    ${line}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', app], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

it('does not keep a process alive that has nothing more to do', async () => {
  const { code, output } = await runApp(`console.log((await db.query('SELECT 1 AS one')).rows[0].one)`);
  expect({ code, output }).toEqual({ code: 0, output: '1\n' });
});

it('keeps the process while a caller waits for an answer', async () => {
  const { output } = await runApp(
    `const away = createSchoolDb({ endpoints: { master: '127.0.0.1:1' }, database: 'x', user: 'x' })
     await away.query('SELECT 1', [], { deadlineMs: 1500 }).catch((error) => console.log(error.code))`,
  );
  expect(output).toBe('SCHOOLDB_DEADLINE_EXCEEDED\n');
});
