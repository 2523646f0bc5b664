/** Whatever a command shows, writes or asks for in a pod holds no secret. What looks for them is tried first. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PodCommand } from '@schooldb/fake-kube-api';
import { expect, it } from 'vitest';
import { shippedText } from '../scripts/crds/shipped.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import { ACCOUNT, NAME, useOperatedLab } from './support/operated-lab.ts';
import { secretsIn, tracesIn } from './support/secret-traces.ts';
import { deploy } from './support/use-cluster.ts';
import { describeWithPoolers } from './support/with-poolers.ts';

const lab = useOperatedLab();

/** All that is shown, by the command that shows it. */
async function said(args: readonly string[]): Promise<{ out: string; shown: string }> {
  const { out, err } = await lab().deploy(args);
  return { out, shown: `${out}\n${err}` };
}

async function filesIn(directory: string): Promise<string> {
  const names = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = names.filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name));
  return (await Promise.all(files.map((file) => readFile(file, 'utf8')))).join('\n');
}

function runLogs(): Promise<string> {
  return filesIn(join(lab().directory, 'state'));
}

describeWithPoolers('a secret', () => {
  it('is found where it is shown on purpose', async () => {
    const secrets = secretsIn(lab().server);
    // Of four roles, two pairs of keys at least, and the token.
    expect(secrets.length).toBeGreaterThan(6);
    const { password } = lab().database;
    expect(secrets).toContain(password);
    for (const format of ['text', 'env', 'uri', 'json']) {
      const { out } = await said(['credentials', '--show', '--format', format]);
      expect(tracesIn(out, secrets), format).not.toEqual([]);
    }
    expect(tracesIn((await said(['kubeconfig', '--raw'])).out, secrets)).not.toEqual([]);
    const encoded = Buffer.from(`postgres://bauer:${password}@db`).toString('base64');
    for (const before of ['', 'x', 'xx'])
      expect(tracesIn(Buffer.from(before + password + before).toString('base64'), secrets)).toEqual([
        'in base64',
      ]);
    expect(tracesIn(encoded, secrets)).toEqual(['in base64']);
    const key = secrets.find((each) => each.includes('PRIVATE KEY')) ?? '';
    expect(tracesIn(key.split('\n')[2] ?? '', secrets)).toEqual(['as it is']);
    expect(tracesIn(`bauer ${NAME} -----BEGIN PRIVATE KEY-----`, secrets)).toEqual([]);
  });

  it.each([
    'check',
    'plan',
    'plan --json',
    'verify',
    'verify --json',
    'status',
    'status --json',
    'report',
    'report --json --no-verify',
    'credentials',
    'credentials --format env',
    'credentials --format uri',
    'credentials --format json',
    'kubeconfig',
    'upgrade --yes --json',
    // In conflict: somebody else has set two Secrets.
    'apply --yes',
    'destroy --yes-destroy another-name',
  ])('is not shown by %s', async (command) => {
    const secrets = secretsIn(lab().server);
    const { shown } = await said(command.split(' '));
    expect(shown.length).toBeGreaterThan(20);
    expect(tracesIn(shown, secrets)).toEqual([]);
    expect(tracesIn(await runLogs(), secrets)).toEqual([]);
  });

  it.each(['plan', 'plan --json', 'report --no-verify', 'report --no-verify --json', 'apply --yes'])(
    'is not shown by %s where it would be set anew',
    async (command) => {
      const { directory, server } = lab();
      const path = join(directory, 'lab.yaml');
      const text = shippedText('lab.yaml').replace('  user: generated', '  user: { environment: BAUER }');
      await writeFile(path, text);
      const secrets = [...secretsIn(server), 'given by the environment'];
      const args = [...command.split(' '), '--lab', path];
      const { out, err } = await lab().deploy(args, { environment: { BAUER: 'given by the environment' } });
      expect(tracesIn(`${out}\n${err}`, secrets)).toEqual([]);
      expect(out).toMatch(
        /data\.password.*\(hidden\)|"path":\s*"data\.password",\s*"before":\s*"\(hidden\)"/,
      );
      expect(tracesIn(await runLogs(), secrets)).toEqual([]);
    },
  );

  it('is in no file of render', async () => {
    const directory = join(lab().directory, 'rendered');
    await mkdir(directory);
    const { code, out, err } = await deploy(['render', directory]);
    expect(code, err).toBe(EXIT.ok);
    const files = await filesIn(directory);
    expect(files).toContain('kind: Secret');
    expect(tracesIn(out + err + files, secretsIn(lab().server))).toEqual([]);
  });

  it('is hidden in the logs of every pod', async () => {
    const { server } = lab();
    const secrets = secretsIn(server);
    const pods = server.api.store.list('/pods');
    expect(pods.length).toBeGreaterThan(8);
    for (const { metadata } of pods)
      server.pods.logs.set(
        `${metadata.namespace ?? ''}/${metadata.name ?? ''}`,
        secrets
          // The kubeconfig's token is none of the cluster's own Secrets, and no pod knows it.
          .filter((each) => each !== server.token)
          .map(
            (each) =>
              `seen: ${each}\nagain: ${encodeURIComponent(each)} ${Buffer.from(each).toString('base64')}\n`,
          )
          .join(''),
      );
    for (const source of ['database', 'operator', 'metallb', 'pooler', 'ui']) {
      const { code, out, err } = await lab().deploy(['logs', source]);
      expect(code, err).toBe(EXIT.ok);
      expect(out).toContain('seen: (hidden)');
      expect(tracesIn(out, secrets), source).toEqual([]);
    }
  });

  it('is in no command that runs in a pod', async () => {
    const { server } = lab();
    const commands: PodCommand[] = [];
    server.pods.run = async (command) => {
      commands.push(command);
      return { stdout: 'no\n412' };
    };
    const { out, err } = await lab().deploy(['switchover', '--yes']);
    expect(commands).not.toEqual([]);
    const secrets = secretsIn(server);
    expect(tracesIn(JSON.stringify(commands) + out + err, secrets)).toEqual([]);
    expect(tracesIn(await runLogs(), secrets)).toEqual([]);
  });

  it('is not shown by what fails for a wrong one', async () => {
    const { database, patchSecret, server } = lab();
    const wrong = 'wrong\'but%secret"all the same';
    patchSecret(ACCOUNT, { password: wrong });
    const secrets = [...secretsIn(server), database.password, wrong];
    for (const args of [
      ['verify'],
      ['verify', '--json', '--lang', 'de'],
      ['report'],
      ['drill', 'failover', '--yes'],
    ]) {
      const { code, out, err } = await lab().deploy(args);
      expect(code, out + err).toBe(EXIT.failed);
      expect(tracesIn(out + err, secrets), args.join(' ')).toEqual([]);
    }
    expect(tracesIn(await runLogs(), secrets)).toEqual([]);
    patchSecret(ACCOUNT, { password: database.password });
  });
});
