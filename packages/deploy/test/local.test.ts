/** `deploy:lab local`: the lab's cluster on this machine, in a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';
import { connectCluster } from '@schooldb/local-cluster';
import pg from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { shippedText } from '../scripts/crds/shipped.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import { deploy } from './support/use-cluster.ts';
import { describeWithPoolers } from './support/with-poolers.ts';

const CLI = fileURLToPath(new URL('../src/cli.ts', import.meta.url));

async function labFile(edit: (text: string) => string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'schooldb-local-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const path = join(directory, 'lab.yaml');
  await writeFile(path, edit(shippedText('lab.yaml')));
  return path;
}

describeWithPoolers('deploy:lab local', () => {
  it('runs the cluster of the lab until Ctrl-C, with credentials and faults, and leaves nothing', async () => {
    // A name of its own: other tests and people run clusters, too.
    const name = `lokal-${process.pid}`;
    const lab = await labFile((text) => text.replace('name: wichtige-daten-3', `name: ${name}`));
    const child = spawn(process.execPath, [CLI, 'local', '--lab', lab, '--lang', 'en'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const errors: string[] = [];
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()));
    const lines: string[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
    const ended = once(child, 'close') as Promise<[number | null]>;
    await expect
      .poll(() => lines.join('\n') + errors.join(''), { timeout: 100_000 })
      .toContain('Ctrl-C stops all of it');

    const path =
      lines.map((line) => /^Credentials, while it runs: (.*)$/.exec(line)?.[1]).find(Boolean) ?? '';
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const variables = parseEnv(await readFile(path, 'utf8'));
    expect(variables).toMatchObject({ PGDATABASE: 'firmendaten', PGUSER: 'bauer', PGSSLMODE: 'verify-full' });
    const ca = await readFile(variables['PGSSLROOTCERT'] ?? '', 'utf8');
    const client = new pg.Client({
      host: variables['PGHOST'],
      port: Number(variables['PGPORT']),
      database: 'firmendaten',
      user: 'bauer',
      password: variables['PGPASSWORD'],
      ssl: { ca },
    });
    client.on('error', () => {});
    await client.connect();
    const settings = `SELECT current_setting('server_version_num')::int / 10000 AS version,
      current_setting('max_connections') AS connections, current_setting('max_wal_senders') AS senders,
      to_regnamespace('schooldb') IS NOT NULL AS helper`;
    expect((await client.query(settings)).rows).toEqual([
      { version: 16, connections: '200', senders: '16', helper: true },
    ]);
    await client.end();

    // As `pnpm cluster fault --name` does it.
    const cluster = await connectCluster(name);
    expect(cluster.servers).toHaveLength(3);
    await cluster.fault('latency', { latencyMs: 1 });
    await cluster.disconnect();
    await expect.poll(() => lines.join('\n'), { timeout: 30_000 }).toContain('fault:applied');

    child.kill('SIGINT');
    const [code] = await ended;
    expect({ code, last: lines.at(-1) }).toEqual({ code: EXIT.ok, last: 'Stopped, and nothing was left.' });
    expect(existsSync(dirname(path))).toBe(false);
    await expect(connectCluster(name)).rejects.toThrow('no cluster named');
  });

  it('refuses what this machine cannot be made to do, before it starts anything', async () => {
    const large = (text: string) => text.replaceAll('cpus: 2, memory: 4Gi', 'cpus: 16, memory: 64Gi');
    const many = await labFile((text) => large(text).replace('instances: 3', 'instances: 9'));
    const { code, err } = await deploy(['local', '--lab', many]);
    expect(code).toBe(EXIT.failed);
    expect(err).toContain('The lab has 9 instances, and one machine is made to carry 8 at most.');
    expect((await deploy(['local', '--engine', 'docker'])).err).toContain(
      "'docker' is no engine; allowed: embedded, patroni",
    );
    const odd = await labFile((text) =>
      text.replace('max_connections: 200', 'max_connections: 200\n    archive_mode: on'),
    );
    expect((await deploy(['local', '--lab', odd])).err).toContain(
      'The cluster did not start on this machine: option settings.archive_mode',
    );
  });

  it('is stopped by Ctrl-C before it is up', async () => {
    const stopping = new AbortController();
    const lab = await labFile((text) =>
      text.replace('name: wichtige-daten-3', `name: abgebrochen-${process.pid}`),
    );
    const { code, err } = await deploy(['local', '--lab', lab], {
      session: { signal: stopping.signal },
      onLine: () => stopping.abort(),
    });
    expect({ code, err }).toMatchObject({ code: EXIT.interrupted });
    expect(err).toContain('Stopped.');
  });
});
