/** `deploy:lab local`: the lab's cluster on this machine, in a process of its own. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseEnv, promisify } from 'node:util';
import { connectCluster } from '@schooldb/local-cluster';
import pg from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { shippedText } from '../scripts/crds/shipped.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import type { LocalEngine } from '../src/operations/local/local-options.ts';
import { startProgram } from './support/processes.ts';
import { deploy } from './support/use-cluster.ts';
import { describeWithPatroni, systemPostgres } from './support/with-patroni.ts';
import { describeWithPoolers } from './support/with-poolers.ts';

const CLI = fileURLToPath(new URL('../src/cli.ts', import.meta.url));

async function labFile(edit: (text: string) => string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'schooldb-local-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const path = join(directory, 'lab.yaml');
  await writeFile(path, edit(shippedText('lab.yaml')));
  return path;
}

/** Runs it until Ctrl-C, with credentials and faults, and looks for what it has left. */
async function runUntilCtrlC(engine: LocalEngine, version: number | undefined): Promise<void> {
  // A name of its own: other tests and people run clusters, too.
  const name = `lokal-${process.pid}`;
  const lab = await labFile((text) => text.replace('name: wichtige-daten-3', `name: ${name}`));
  const run = startProgram(CLI, ['local', '--engine', engine, '--lab', lab, '--lang', 'en']);
  const lines: string[] = [];
  run.lines.on('line', (line) => lines.push(line));
  await expect
    .poll(() => lines.join('\n') + run.errors(), { timeout: 200_000 })
    .toContain('Ctrl-C stops all of it');

  const path = lines.map((line) => /^Credentials, while it runs: (.*)$/.exec(line)?.[1]).find(Boolean) ?? '';
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
    { version, connections: '200', senders: '16', helper: true },
  ]);
  await client.end();

  // As `pnpm cluster fault --name` does it.
  const cluster = await connectCluster(name);
  expect(cluster.servers).toHaveLength(3);
  expect(cluster.patroni === undefined).toBe(engine === 'embedded');
  const directory = dirname(dirname(cluster.logFileOf('pg1')));
  expect(await processesIn(directory)).not.toEqual([]);
  await cluster.fault('latency', { latencyMs: 1 });
  await cluster.disconnect();
  await expect.poll(() => lines.join('\n'), { timeout: 30_000 }).toContain('fault:applied');

  run.kill('SIGINT');
  const code = await run.code;
  expect({ code, last: lines.at(-1) }).toEqual({ code: EXIT.ok, last: 'Stopped, and nothing was left.' });
  expect(existsSync(dirname(path))).toBe(false);
  expect(existsSync(directory)).toBe(false);
  await expect.poll(() => processesIn(directory), { timeout: 30_000 }).toEqual([]);
  await expect(connectCluster(name)).rejects.toThrow('no cluster named');
}

/** Command lines of processes that were told of a cluster's directory. */
async function processesIn(directory: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-ww', '-o', 'command=']);
  return stdout.split('\n').filter((command) => command.includes(directory));
}

describeWithPatroni('deploy:lab local with real Patroni', () => {
  it(
    'runs the cluster of the lab until Ctrl-C, with credentials and faults, and leaves nothing',
    { timeout: 300_000 },
    () => runUntilCtrlC('patroni', systemPostgres),
  );
});

describeWithPoolers('deploy:lab local', () => {
  it('runs the cluster of the lab until Ctrl-C, with credentials and faults, and leaves nothing', () =>
    runUntilCtrlC('embedded', 16));

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
