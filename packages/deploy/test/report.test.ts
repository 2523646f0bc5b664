import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { EXIT } from '../src/cli/exit-codes.ts';
import { ACCOUNT, NAME, useOperatedLab } from './support/operated-lab.ts';
import { secretsIn, tracesIn } from './support/secret-traces.ts';
import { useCluster } from './support/use-cluster.ts';
import { describeWithPoolers } from './support/with-poolers.ts';

const lab = useOperatedLab();

describeWithPoolers('deploy:lab report', () => {
  it('puts versions, plan, state and verification into one file, without secrets', async () => {
    const { deploy, directory } = lab();
    const path = join(directory, 'report.md');
    const { code, err } = await deploy(['report', path]);
    const text = await readFile(path, 'utf8');
    expect(err).toContain(`${path} is written.`);
    for (const part of [
      '<!-- deploy:lab report -->\n',
      `# Report on ${NAME}`,
      '- Profile: ',
      '- Kubernetes: v1.',
      'metallb 0.16.1',
      'ghcr.io/zalando/postgres-operator:v2.0.1',
      'ghcr.io/zalando/spilo-18:4.1-p2',
      `${NAME}-0`,
      '10.0.145.137',
      'of 4000m requested',
      '## Verification',
      'PostgreSQL',
    ])
      expect(text).toContain(part);
    expect(text).not.toContain('FAILED');
    expect(code).toBe(EXIT.ok);
    expect(secretsIn(lab().server).length).toBeGreaterThan(5);
    expect(tracesIn(text, secretsIn(lab().server))).toEqual([]);

    const { password } = lab().database;
    lab().patchSecret(ACCOUNT, { password: null });
    onTestFinished(() => lab().patchSecret(ACCOUNT, { password }));
    // Its own may be replaced, in the other form, too; others' may not.
    expect((await deploy(['report', path, '--no-verify', '--json', '--lang', 'de'])).code).toBe(EXIT.changes);
    const json = await readFile(path, 'utf8');
    expect(JSON.parse(json)).toMatchObject({ version: 1, plan: { due: 1 }, checks: null });
    expect(tracesIn(json, secretsIn(lab().server))).toEqual([]);
    const german = await deploy(['report', '--no-verify', '--lang', 'de']);
    expect(german.out).toContain('Nicht geprüft');
    expect((await deploy(['report', path, '--no-verify'])).code).toBe(EXIT.changes);
    await writeFile(path, 'my own\n');
    const refused = await deploy(['report', path]);
    expect(refused.code).toBe(EXIT.usage);
    expect(refused.err).toContain('is no report; give another name');
    expect(await readFile(path, 'utf8')).toBe('my own\n');
  });

  it('says by its exit code what has failed', async () => {
    const { deploy, patchSecret, database } = lab();
    patchSecret(ACCOUNT, { password: null });
    const { code, out } = await deploy(['report']);
    expect(code).toBe(EXIT.failed);
    expect(out).toContain('has no password');
    patchSecret(ACCOUNT, { password: database.password });
  });
});

it('deploy:lab report is content where nothing differs', async () => {
  const { deploy } = await useCluster();
  expect((await deploy(['report', '--no-verify'])).code).toBe(EXIT.changes);
  expect((await deploy(['apply', '--yes'])).code).toBe(EXIT.ok);
  expect((await deploy(['report', '--no-verify'])).code).toBe(EXIT.ok);
});
