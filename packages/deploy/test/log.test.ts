/** What a run leaves for whoever asks afterwards, and that no secret is in it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { EXIT } from '../src/cli/exit-codes.ts';
import { secretsIn, tracesIn } from './support/secret-traces.ts';
import { deploy as deployTo, QUICK, useCluster } from './support/use-cluster.ts';

const CLUSTER = 'wichtige-daten-3';
const CLI = fileURLToPath(new URL('../src/cli.ts', import.meta.url));

/** The one log of the default place. */
async function logIn(directory: string): Promise<{ path: string; text: string }> {
  const folder = join(directory, 'state', 'schooldb-deploy');
  const [name = ''] = await readdir(folder);
  const path = join(folder, name);
  return { path, text: await readFile(path, 'utf8') };
}

describe('the log of a run', () => {
  it('holds the plan, each write, what was waited for and the end, with times, for its owner alone', async () => {
    const { server, directory, deploy } = await useCluster();
    server.lab.faults.webhookRefusals = 3;
    const { code, out } = await deploy(['apply', '--yes']);
    expect(code).toBe(EXIT.ok);
    const { path, text } = await logIn(directory);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const lines = text.trimEnd().split('\n');
    for (const line of lines) expect(line).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /);
    const said = lines.map((line) => line.slice(line.indexOf(' ') + 1));
    expect(said[0]).toMatch(/^deploy:lab apply --yes --kubeconfig /);
    for (const line of [
      `  + postgresql default/${CLUSTER} (after CustomResourceDefinition postgresqls.acid.zalan.do)`,
      `  created postgresql default/${CLUSTER}`,
      `  waiting: the webhook that checks IPAddressPool metallb-system/${CLUSTER}-master does not answer yet`,
      'End with exit code 0.',
    ])
      expect(said).toContain(line);
    for (const line of out.split('\n')) expect(said).toContain(line);
  });

  it('is named where the run fails, and says why', async () => {
    const { server, directory, deploy } = await useCluster();
    server.lab.faults.failingCharts.add('metallb');
    const { code, err } = await deploy(['apply', '--yes', '--lang', 'de']);
    expect(code).toBe(EXIT.failed);
    const { path, text } = await logIn(directory);
    expect(err.split('\n').at(-1)).toBe(`Das Protokoll dieses Laufs: ${path}`);
    expect(text).toContain('vergeblich auf das Chart metallb gewartet');
    expect(text).toContain('Ende mit dem Rückgabewert 1.');
  });

  it('goes where it is asked to, behind what is there; a place that is not good ends the run before it begins', async () => {
    const { server, directory, deploy } = await useCluster();
    const log = join(directory, 'deep', 'run.log');
    for (let runs = 0; runs < 2; runs += 1)
      await deploy(['apply', '--yes', '--only', 'storage', '--log', log]);
    expect((await readFile(log, 'utf8')).match(/End with exit code 0/g)).toHaveLength(2);
    server.requests.clear();
    const { code, err } = await deploy(['apply', '--yes', '--log', directory]);
    expect(code).toBe(EXIT.failed);
    expect(err).toContain(`${directory} cannot be written (EISDIR)`);
    expect(server.requests.all()).toEqual([]);
  });

  it('is done without, with a word on it, where its usual place is missing', async () => {
    const { directory, deploy } = await useCluster();
    const only = ['apply', '--yes', '--only', 'namespaces'];
    const homeless = await deployTo([...only, '--kubeconfig', join(directory, 'kubeconfig')]);
    expect(homeless.code, homeless.err).toBe(EXIT.ok);
    expect(homeless.err).toContain(
      'There will be no log of this run, HOME is not set; --log FILE names a place.',
    );
    const file = join(directory, 'file');
    await writeFile(file, '');
    const blocked = await deploy(only, { environment: { XDG_STATE_HOME: file } });
    expect(blocked.code).toBe(EXIT.ok);
    expect(blocked.err).toContain(join(file, 'schooldb-deploy'));
  });

  it('does not pile up: the oldest go, and nothing that is not ours', async () => {
    const { directory, deploy } = await useCluster();
    const folder = join(directory, 'state', 'schooldb-deploy');
    await mkdir(folder, { recursive: true });
    const old = Array.from(
      { length: 60 },
      (_, n) => `20250101T0000${String(n).padStart(2, '0')}Z-apply-1.log`,
    );
    for (const name of [...old, 'notes.log']) await writeFile(join(folder, name), '');
    await deploy(['apply', '--yes', '--only', 'namespaces']);
    const left = await readdir(folder);
    expect(left).toContain('notes.log');
    expect(left).toContain(old.at(-1));
    expect(left).not.toContain(old[0]);
    expect(left).toHaveLength(52);
  });
});

describe('secrets', () => {
  it('are in no log, no output, no plan and no argument of a process', { timeout: 200_000 }, async () => {
    const { server, directory, labFile, deploy } = await useCluster();
    const file = join(directory, 'superuser');
    await writeFile(file, 'kept-in-a-file-of-the-school\n');
    await chmod(file, 0o600);
    const lab = await labFile((text) =>
      text
        .replace('  superuser: generated', '  superuser: { file: superuser }')
        .replace('  user: generated', '  user: { environment: BAUER }'),
    );
    server.lab.faults.stuckStatus.set(CLUSTER, 'Creating');
    const child = spawn(
      process.execPath,
      [CLI, 'apply', '--yes', '--lang', 'en', '--lab', lab, '--kubeconfig', join(directory, 'kubeconfig')],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { XDG_STATE_HOME: join(directory, 'state'), BAUER: 'given-by-the-environment' },
      },
    );
    onTestFinished(() => void child.kill('SIGKILL'));
    const said: string[] = [];
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => said.push(chunk.toString()));
    const ended = once(child, 'close');
    await vi.waitFor(() => expect(said.join('')).toContain('has the status Creating'), { timeout: 120_000 });
    const argv = await readFile(`/proc/${child.pid ?? 0}/cmdline`, 'utf8');
    const children = await readFile(`/proc/${child.pid ?? 0}/task/${child.pid ?? 0}/children`, 'utf8');
    server.lab.faults.stuckStatus.clear();
    const [code] = (await ended) as [number | null];
    expect(code, said.join('')).toBe(EXIT.ok);
    // No program is started at all.
    expect(children.trim()).toBe('');

    // All of them are to be set anew: what a plan shows of that.
    await writeFile(file, 'another-one-in-the-file');
    const planned = await deploy(['plan', '--lab', lab], { environment: { BAUER: 'another-one-given' } });
    expect(planned.code).toBe(EXIT.changes);
    const refused = await deploy(['apply', '--yes', '--lab', lab], {
      environment: { BAUER: 'another-one-given' },
      pace: { ...QUICK, waitMs: { ...QUICK.waitMs, job: 1 } },
    });
    const { text } = await logIn(directory);
    const logs = await Promise.all(
      (await readdir(join(directory, 'state', 'schooldb-deploy'))).map((name) =>
        readFile(join(directory, 'state', 'schooldb-deploy', name), 'utf8'),
      ),
    );
    const places = { argv, said: said.join(''), text, logs: logs.join('') };
    const told = { ...places, plan: planned.out + planned.err, second: refused.out + refused.err };
    const values = secretsIn(server);
    expect(values).toContain('another-one-in-the-file');
    expect(values).toContain('another-one-given');
    const secrets = [...values, 'kept-in-a-file-of-the-school', 'given-by-the-environment'];
    for (const [place, content] of Object.entries(told))
      expect(tracesIn(content, secrets), place).toEqual([]);
  });
});
