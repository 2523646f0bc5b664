/** `pnpm deploy:lab` without a command: all of it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { shippedText } from '../scripts/crds/shipped.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import { manifestSteps } from '../src/manifests/steps.ts';
import { addressesOf } from '../src/operations/credentials/credentials.ts';
import { ACCOUNT, startEmptyLab } from './support/operated-lab.ts';
import type { OperatedLab } from './support/operated-lab.ts';
import { startProgram } from './support/processes.ts';
import { objectsOf, QUICK, secretsOf, useCluster } from './support/use-cluster.ts';
import { describeWithPoolers } from './support/with-poolers.ts';

const MAIN = fileURLToPath(new URL('support/deploy-main.ts', import.meta.url));

/** The API server of our own has no databases: nothing listens there. */
const WITHOUT_DATABASE = {
  pace: { ...QUICK, databaseMs: 300 },
  session: { reach: () => ({ host: '127.0.0.1', port: 1 }) },
};

describe('deploy:lab', () => {
  it('tells by its exit code what verify has found, also where nothing is to be done', async () => {
    const { server, deploy } = await useCluster();
    const first = await deploy(['--yes'], WITHOUT_DATABASE);
    expect(first.code).toBe(EXIT.failed);
    expect(first.out).toContain('The cluster is as the lab.yaml says: 30 written');
    expect(first.out).toMatch(/^ok +.*10\.0\.145\.137/m);
    expect(first.out).toMatch(/^FAILED +.*cannot be reached from here \(ECONNREFUSED\)/m);

    server.requests.clear();
    const second = await deploy(['--lang', 'de'], {
      ...WITHOUT_DATABASE,
      ask: () => Promise.reject(new Error('asked')),
    });
    expect(second.code).toBe(EXIT.failed);
    expect(second.out).toContain('Nichts zu tun');
    expect(second.out).toMatch(/ECONNREFUSED/);
    expect(server.requests.writes()).toEqual([]);
  });

  it('verifies nothing where nobody has agreed', async () => {
    const { server, deploy } = await useCluster();
    const { code, out } = await deploy([], { ask: async () => 'n' });
    expect(code).toBe(EXIT.failed);
    expect(out.split('\n').at(-1)).toBe('Nothing was changed.');
    expect(server.requests.writes()).toEqual([]);
  });
});

describeWithPoolers('deploy:lab with servers that its operator starts', () => {
  it('goes from nothing to verified in one run, and a second one writes nothing and verifies again', async () => {
    const { empty, path } = await useEmptyLab();
    const { deploy, server, access } = empty;
    const questions: string[] = [];
    const ask = async (question: string) => {
      questions.push(question);
      return 'y';
    };
    const first = await deploy(['--lab', path, '--lang', 'en'], { ask });
    expect(first.code, first.out + first.err).toBe(EXIT.ok);
    expect(questions).toEqual(['Change 30 objects in this cluster? [y/N] ']);
    expect(first.out).toMatch(/^  waiting for .*: postgresql .* has the status Creating/m);
    expect(first.out).toContain('The cluster is as the lab.yaml says: 30 written');
    expectVerified(first.out);
    // The Job's work is there for the app, and so is the password that was generated.
    const client = new pg.Client(access());
    await client.connect();
    const { rows } = await client.query(`SELECT has_schema_privilege('schooldb', 'USAGE') AS may`);
    await client.end();
    expect({ rows, password: access().password }).toEqual({
      rows: [{ may: true }],
      password: secretsOf(server)[ACCOUNT]?.['password'],
    });

    server.requests.clear();
    const second = await deploy(['--lab', path, '--lang', 'en'], {
      ask: () => Promise.reject(new Error('asked')),
    });
    expect(second.code, second.out + second.err).toBe(EXIT.ok);
    expect(second.out).toContain('Nothing to do');
    expectVerified(second.out);
    expect(server.requests.writes()).toEqual([]);
  });

  it(
    'is resumed to the same verified end, killed after each of its steps',
    { timeout: 600_000 },
    async () => {
      const undisturbed = await useCluster();
      expect((await undisturbed.deploy(['apply', '--yes'])).code).toBe(EXIT.ok);

      const { empty, path } = await useEmptyLab();
      const { server, directory, lab, reach } = empty;
      const places = join(directory, 'places.json');
      const environment = {
        DEPLOY_TEST_PLACES: places,
        XDG_STATE_HOME: join(directory, 'state'),
      };
      const kubeconfig = join(directory, 'kubeconfig');
      const args = ['--yes', '--lang', 'en', '--lab', path, '--kubeconfig', kubeconfig];
      const steps = manifestSteps(lab, { helperSql: '' }).map(({ id }) => id);
      for (const step of steps) {
        const before = secretsOf(server);
        const run = startProgram(MAIN, args, environment);
        let current = '';
        let isKilled = false;
        for await (const line of run.lines) {
          current = /^\[\d+\/\d+\] (\S+)/.exec(line)?.[1] ?? current;
          if (current !== step || !line.startsWith('  done: ')) continue;
          isKilled = true;
          run.kill('SIGKILL');
        }
        expect(await run.code, run.errors()).toBeNull();
        expect(isKilled, step).toBe(true);
        // What was generated before is never generated again.
        expect(secretsOf(server)).toMatchObject(before);
      }
      const reached = Object.values(addressesOf(lab)).map((place) => [place.host, reach(place)] as const);
      await writeFile(places, JSON.stringify(Object.fromEntries(reached)));
      server.requests.clear();
      const last = startProgram(MAIN, args, environment);
      const lines: string[] = [];
      for await (const line of last.lines) lines.push(line);
      expect(await last.code, lines.join('\n') + last.errors()).toBe(EXIT.ok);
      expectVerified(lines.join('\n'));
      expect(server.requests.writes()).toEqual([]);
      expect(objectsOf(server)).toEqual(objectsOf(undisturbed.server));
    },
  );
});

/** Gone with the test. The limit of a busy machine's replication is not what is tested here. */
async function useEmptyLab(): Promise<{ readonly empty: OperatedLab; readonly path: string }> {
  const closing: (() => unknown)[] = [];
  onTestFinished(async () => {
    for (const close of closing.toReversed()) await close();
  });
  const empty = await startEmptyLab({}, (close) => closing.push(close));
  const path = join(empty.directory, 'lab.yaml');
  await writeFile(path, shippedText('lab.yaml').replace('replicaReadMs: 1000', 'replicaReadMs: 60000'));
  return { empty, path };
}

/** All that can be verified without hosts and a backup. */
function expectVerified(out: string): void {
  expect(out).not.toContain('FAILED');
  for (const line of [
    /^ok +TLS \(replica pooler\): /im,
    /^ok +helper schema/im,
    /^ok +write \(master pooler\): done/im,
    /^ok +write refused \(replica pooler\): by the standby/im,
  ])
    expect(out).toMatch(line);
}
