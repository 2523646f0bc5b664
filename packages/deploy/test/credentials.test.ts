import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { createSchoolDb } from '@schooldb/client';
import { startCluster } from '@schooldb/local-cluster';
import pg from 'pg';
import { expect, it } from 'vitest';
import { EXIT } from '../src/cli/exit-codes.ts';
import { formatted } from '../src/operations/credentials/formats.ts';
import { ACCOUNT, useOperatedLab } from './support/operated-lab.ts';
import { describeWithPoolers } from './support/with-poolers.ts';

const lab = useOperatedLab();

describeWithPoolers('deploy:lab credentials', () => {
  it('masks the password unless it is to be shown', async () => {
    const { password } = lab().database;
    for (const format of ['text', 'env', 'uri', 'json']) {
      const { code, out, err } = await lab().deploy(['credentials', '--format', format]);
      expect(code).toBe(EXIT.ok);
      expect(out).toContain('********');
      expect(out + err).not.toContain(password);
      expect(out).toContain('verify-full');
      expect(out).toContain('10.0.145.135');
      expect(err).toContain('--show shows it');
      const shown = await lab().deploy(['credentials', '--format', format, '--show']);
      expect(shown.out).toContain(password);
    }
  });

  it('writes files for the owner alone, also over one that others could read', async () => {
    const path = join(lab().directory, 'app.env');
    for (let run = 0; run < 2; run += 1) {
      const { code, out } = await lab().deploy(['credentials', '--format', 'env', '--output', path]);
      expect({ code, out }).toEqual({ code: EXIT.ok, out: '' });
    }
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const variables = parseEnv(await readFile(path, 'utf8'));
    expect(variables).toMatchObject({
      SCHOOLDB_REPLICA_POOLER: '10.0.145.137:5432',
      SCHOOLDB_PASSWORD: lab().database.password,
      PGSSLMODE: 'verify-full',
    });
    expect(await readFile(variables['SCHOOLDB_TLS_CA_FILE'] ?? '', 'utf8')).toBe(lab().database.ca);
  });

  it('gives what both the client and pg connect with', async () => {
    const caPath = join(lab().directory, 'authority.crt');
    const { err } = await lab().deploy(['credentials', '--ca', caPath]);
    expect(err).toContain(`${caPath} is written.`);
    expect(await readFile(caPath, 'utf8')).toBe(lab().database.ca);
    // A URI has no place for an address beside the name of the certificate: a cluster whose name is its address.
    await using cluster = await startCluster({ replicas: 0, poolers: false });
    const { endpoints, database, user, password, ca } = cluster;
    await writeFile(caPath, ca);
    const { host, port } = endpoints.master;
    const access = { addresses: { master: { host, port } }, database, user, password, ca };
    const [uri = ''] = formatted('uri', access, caPath);
    const db = createSchoolDb(uri);
    const client = new pg.Client({ connectionString: uri });
    try {
      expect((await db.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
      await client.connect();
      expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    } finally {
      await db.close();
      await client.end();
    }
  });

  it('survives passwords of all sorts', () => {
    const access = { ...lab().database, addresses: { master: { host: 'fd00::3', port: 5 } } };
    const password = `a b$"c#/@:'`;
    const [uri = ''] = formatted('uri', { ...access, password }, '/tmp/c a.crt');
    expect(new URL(uri).port).toBe('5');
    expect(decodeURIComponent(new URL(uri).password)).toBe(password);
    const lines = formatted('env', { ...access, password: 'a b$"c#/@:' }, '/x').join('\n');
    expect(parseEnv(lines)['PGPASSWORD']).toBe('a b$"c#/@:');
  });

  it('names the Secret that is missing, the format that is none, and the path that cannot be written', async () => {
    const { patchSecret, deploy, directory, database } = lab();
    expect(await deploy(['credentials', '--format', 'yaml'])).toMatchObject({
      code: EXIT.usage,
      err: "deploy:lab: there is no format 'yaml'; allowed: text, env, uri, json",
    });
    const path = join(directory, 'kubeconfig', 'file');
    expect((await deploy(['credentials', '--output', path])).err).toContain('cannot be written (ENOTDIR)');
    patchSecret(ACCOUNT, { password: null });
    try {
      const { code, err } = await deploy(['credentials', '--lang', 'de']);
      expect(code).toBe(EXIT.failed);
      expect(err).toContain(`Secret default/${ACCOUNT} hat kein password. 'deploy:lab apply' füllt es;`);
    } finally {
      patchSecret(ACCOUNT, { password: database.password });
    }
  });
});
