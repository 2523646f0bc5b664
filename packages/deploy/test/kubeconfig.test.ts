import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EXIT } from '../src/cli/exit-codes.ts';
import { deploy as deployTo, useCluster } from './support/use-cluster.ts';

const CLUSTER = 'wichtige-daten-3';

describe('deploy:lab kubeconfig', () => {
  it('shows the context without its secrets, and with them where that is asked for', async () => {
    const { server, deploy } = await useCluster();
    const shown = await deploy(['kubeconfig']);
    expect(shown.code).toBe(EXIT.ok);
    expect(shown.out).toContain(`current-context: ${CLUSTER}`);
    expect(shown.out).toContain('token: REDACTED');
    expect(shown.out).toContain(server.url);
    expect(shown.out + shown.err).not.toContain(server.token);
    expect((await deploy(['kubeconfig', '--raw'])).out).toContain(server.token);
    expect(server.requests.all()).toEqual([]);
  });

  it('writes one that works, for its owner alone, beside what is there', async () => {
    const { server, directory, deploy } = await useCluster();
    const file = join(directory, 'own');
    const other = { name: 'other', cluster: { server: 'https://192.0.2.1' } };
    await writeFile(file, JSON.stringify({ 'current-context': 'other', clusters: [other] }), { mode: 0o644 });
    for (let times = 0; times < 2; times += 1) {
      const { code, out, err } = await deploy(['kubeconfig', '--into', file]);
      expect(code, err).toBe(EXIT.ok);
      expect(out).toContain(`--context ${CLUSTER} get pods`);
      expect(out).not.toContain(server.token);
    }
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const text = await readFile(file, 'utf8');
    expect(text).toContain('https://192.0.2.1');
    expect(text.match(new RegExp(server.token, 'g'))).toHaveLength(1);
    // What somebody works with stays the current one.
    expect(text).toContain('current-context: other');
    await writeFile(file, text.replace('current-context: other', `current-context: ${CLUSTER}`));
    const planned = await deployTo(['plan', '--kubeconfig', file]);
    expect(planned.code, planned.err).toBe(EXIT.changes);
    expect(planned.out).toContain(`Cluster: ${CLUSTER} at ${server.url}`);
  });

  it('replaces nothing of the same name, and nothing that is no kubeconfig', async () => {
    const { directory, deploy } = await useCluster();
    const file = join(directory, 'own');
    const other = `clusters: [{ name: ${CLUSTER}, cluster: { server: "https://192.0.2.1" } }]\n`;
    await writeFile(file, other);
    const taken = await deploy(['kubeconfig', '--into', file, '--lang', 'de']);
    expect(taken.code).toBe(EXIT.usage);
    expect(taken.err).toContain(`clusters: ${CLUSTER}`);
    expect(await readFile(file, 'utf8')).toBe(other);
    await writeFile(file, 'token: [');
    expect((await deploy(['kubeconfig', '--into', file])).err).toContain('is no usable kubeconfig');
    expect(await readFile(file, 'utf8')).toBe('token: [');
  });
});
