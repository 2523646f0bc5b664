/** The whole of `deploy:lab plan` and `apply` against an API server with the lab's programs behind it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FakeKubeApi } from '@schooldb/fake-kube-api';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { EXIT } from '../src/cli/exit-codes.ts';
import { STEP_IDS } from '../src/manifests/manifest.ts';
import { startProgram } from './support/processes.ts';
import type { StartedProgram } from './support/processes.ts';
import {
  addMonitoring,
  objectsOf,
  secretsOf,
  useCluster,
  withKlatab,
  writesTo,
} from './support/use-cluster.ts';

const CLI = fileURLToPath(new URL('../src/cli.ts', import.meta.url));

describe('deploy:lab apply', () => {
  it('makes the lab from nothing; what plan said before is what it does, and nothing is left to do', async () => {
    const { server, deploy } = await useCluster();
    const planned = await deploy(['plan', '--json']);
    expect(planned.code).toBe(EXIT.changes);
    expect(JSON.parse(planned.out)).toMatchObject({
      version: 1,
      context: 'fake',
      server: server.url,
      due: 30,
    });
    expect(server.requests.writes()).toEqual([]);

    const first = await deploy(['apply', '--yes']);
    expect(first.code, first.err).toBe(EXIT.ok);
    expect(first.out).toContain('The cluster is as the lab.yaml says: 30 written');
    expect(addressesOf(server)).toEqual({
      'wichtige-daten-3': '10.0.145.135',
      'wichtige-daten-3-repl': '10.0.145.136',
      'wichtige-daten-3-pooler-repl': '10.0.145.137',
      'wichtige-daten-3-pooler': '10.0.145.138',
    });

    server.requests.clear();
    const second = await deploy(['apply', '--yes']);
    expect(second.code).toBe(EXIT.ok);
    expect(second.out).toContain('Nothing to do');
    expect(server.requests.writes()).toEqual([]);
    const after = await deploy(['plan']);
    expect({ code: after.code, due: after.out }).toMatchObject({ code: EXIT.ok });

    const values = Object.values(secretsOf(server)).flatMap((data) => Object.values(data));
    for (const said of [planned, first, second, after])
      for (const value of values) expect(said.out + said.err).not.toContain(value);
  });

  it('applies one step alone, and names the steps there are', async () => {
    const { server, deploy, labFile } = await useCluster();
    const { code } = await deploy(['apply', '--yes', '--only', 'storage']);
    expect(code).toBe(EXIT.ok);
    expect(writesTo(server).map(({ resource }) => resource)).toEqual(['storageclasses']);
    const lab = await labFile(withKlatab);
    const wrong = await deploy(['apply', '--yes', '--only', 'storrage', '--lab', lab]);
    expect(wrong.code).toBe(EXIT.usage);
    expect(wrong.err).toContain(`allowed: ${STEP_IDS.join(', ')}`);
  });

  it('asks at a terminal, and changes nothing without consent', async () => {
    const { server, deploy } = await useCluster();
    const questions: string[] = [];
    const answering = (answer: string) => async (question: string) => {
      questions.push(question);
      return answer;
    };
    const only = ['apply', '--only', 'storage'];
    expect((await deploy(only, { ask: answering('') })).code).toBe(EXIT.failed);
    expect((await deploy([...only, '--lang', 'de'], { ask: answering('nein') })).out).toContain(
      'Es wurde nichts geändert.',
    );
    expect(server.requests.writes()).toEqual([]);
    expect((await deploy([...only, '--lang', 'de'], { ask: answering('J ') })).code).toBe(EXIT.ok);
    expect(questions.at(-1)).toBe('1 Objekt in diesem Cluster ändern? [j/N] ');
    expect(writesTo(server)).toHaveLength(1);
  });
});

describe('an apply that is stopped', () => {
  // A process for each step, each of which goes through all steps before: minutes where the machine is busy.
  it(
    'is resumed to the same objects, killed in the middle of each step',
    { timeout: 1_500_000 },
    async () => {
      const undisturbed = await useCluster();
      await addMonitoring(undisturbed.server);
      const lab = await undisturbed.labFile(withKlatab);
      expect((await undisturbed.deploy(['apply', '--yes', '--lab', lab])).code).toBe(EXIT.ok);

      const { server, directory, deploy } = await useCluster();
      await addMonitoring(server);
      const options = ['--lab', lab, '--kubeconfig', join(directory, 'kubeconfig')];
      const killedIn: string[] = [];
      for (;;) {
        const before = secretsOf(server);
        const step = await killedInNewStep(options, killedIn);
        // What was generated before is never generated again.
        expect(secretsOf(server)).toMatchObject(before);
        if (step === undefined) break;
        killedIn.push(step);
      }
      expect(killedIn).toEqual(STEP_IDS);
      expect(objectsOf(server)).toEqual(objectsOf(undisturbed.server));
      server.requests.clear();
      expect((await deploy(['apply', '--yes', '--lab', lab])).code).toBe(EXIT.ok);
      expect(server.requests.writes()).toEqual([]);
    },
  );

  it('says so on Ctrl-C, while it waits as well, and goes on from there', async () => {
    const { server, directory, deploy } = await useCluster();
    server.lab.faults.stuckStatus.set('wichtige-daten-3', 'Creating');
    const stopped = startApply(['--kubeconfig', join(directory, 'kubeconfig')]);
    for await (const line of stopped.lines)
      if (line.includes('has the status Creating')) stopped.kill('SIGINT');
    expect(await stopped.code).toBe(EXIT.interrupted);
    expect(stopped.errors()).toContain('the same command goes on from there');
    server.lab.faults.stuckStatus.clear();
    expect((await deploy(['apply', '--yes'])).code).toBe(EXIT.ok);
  });
});

describe('at a terminal', () => {
  // `script` gives a process a terminal of its own, on which Ctrl-C is a key.
  it('steps are redrawn with what is waited for and for how long, and Ctrl-C ends them with a word', async () => {
    const { server, directory } = await useCluster();
    server.lab.faults.stuckStatus.set('wichtige-daten-3', 'Creating');
    const command = [
      process.execPath,
      CLI,
      'apply',
      '--yes',
      '--lang',
      'en',
      '--kubeconfig',
      join(directory, 'kubeconfig'),
    ];
    const sized = `stty rows 40 columns 160; exec ${command.join(' ')}`;
    const child = spawn('script', ['-qefc', sized, '/dev/null'], {
      env: { ...process.env, TERM: 'xterm', XDG_STATE_HOME: join(directory, 'state') },
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const chunks: string[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
    const ended = once(child, 'close');
    await vi.waitFor(
      () =>
        expect(chunks.join('')).toMatch(
          /postgresql default\/wichtige-daten-3 has the status Creating[\s\S]*\(for \d+ s\)/,
        ),
      { timeout: 100_000 },
    );
    child.stdin.write('\u0003');
    const [code] = (await ended) as [number | null];
    const shown = chunks.join('');
    expect(code, shown).toBe(EXIT.interrupted);
    expect(shown).toContain('charts: done: 4 written, 0 unchanged');
    expect(shown).toContain('the same command goes on from there');
    // The lock is given back.
    expect(server.api.store.list('coordination.k8s.io/leases')).toEqual([]);
  });
});

/**
 * Runs apply in a process of its own, and kills it at its first write in a step that it was not killed in before.
 *
 * @returns the step; undefined where it came to its end.
 */
async function killedInNewStep(
  options: readonly string[],
  before: readonly string[],
): Promise<string | undefined> {
  const child = startApply(options);
  let step = '';
  let killed: string | undefined;
  for await (const line of child.lines) {
    step = /^\[\d+\/\d+\] (\S+)/.exec(line)?.[1] ?? step;
    if (killed !== undefined || !line.startsWith('  created') || before.includes(step)) continue;
    killed = step;
    child.kill('SIGKILL');
  }
  const code = await child.code;
  if (killed === undefined) expect(code, child.errors()).toBe(EXIT.ok);
  return killed;
}

function startApply(options: readonly string[]): StartedProgram {
  return startProgram(CLI, ['apply', '--yes', '--lang', 'en', ...options]);
}

function addressesOf(server: FakeKubeApi): Record<string, unknown> {
  const services = server.api.store
    .list('/services')
    .filter(({ metadata }) => metadata.namespace === 'default');
  return Object.fromEntries(
    services.flatMap(({ metadata, ...object }) => {
      const { loadBalancer } = (object['status'] ?? {}) as { loadBalancer?: { ingress?: { ip: string }[] } };
      const ip = loadBalancer?.ingress?.[0]?.ip;
      return ip === undefined ? [] : [[metadata.name ?? '', ip]];
    }),
  );
}
