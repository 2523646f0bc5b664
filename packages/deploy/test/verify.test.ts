/** `deploy:lab verify` with real servers behind the lab's addresses. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { expect, it, onTestFinished, vi } from 'vitest';
import { shippedText } from '../scripts/crds/shipped.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import type { Reach } from '../src/operations/reach.ts';
import { issueAuthority } from '../src/secrets/issue.ts';
import { ACCOUNT, NAME, TLS, useOperatedLab } from './support/operated-lab.ts';
import { QUICK } from './support/use-cluster.ts';
import type { RunOptions } from './support/use-cluster.ts';
import { describeWithPoolers } from './support/with-poolers.ts';

const lab = useOperatedLab();

/** Fails soon where something hangs on purpose; what the tests hold must not depend on it. */
const IMPATIENT = { ...QUICK, databaseMs: 3_000 };

interface Check {
  readonly check: string;
  readonly endpoint?: string;
  readonly state: string;
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly text: string;
  readonly remedy?: string;
}

/** Runs verify with `--json`. The limit of a busy machine's replication is not what is tested here. */
async function verify(options: RunOptions & { edit?: (text: string) => string } = {}) {
  const { edit = (text) => text, ...run } = options;
  const path = join(lab().directory, 'lab.yaml');
  await writeFile(path, edit(shippedText('lab.yaml').replace('replicaReadMs: 1000', 'replicaReadMs: 60000')));
  const { code, out, err } = await lab().deploy(['verify', '--json', '--lab', path], run);
  const { ok, checks } = JSON.parse(out) as { ok: boolean; checks: readonly Check[] };
  expect(code, err).toBe(ok ? EXIT.ok : EXIT.failed);
  // Nothing is left behind, whatever has failed, and no secret is told.
  expect(await schemas()).not.toContain('schooldb_verify');
  expect(out + err).not.toContain(lab().database.password);
  const find = (check: string, endpoint?: string) =>
    checks.find((each) => each.check === check && each.endpoint === endpoint);
  return { ok, checks, find, failed: checks.filter(({ state }) => state === 'failed') };
}

async function sql(text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(lab().access());
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(text)).rows as Record<string, unknown>[];
  } finally {
    await client.end();
  }
}

async function schemas(): Promise<unknown[]> {
  return (await sql('SELECT nspname FROM pg_namespace')).map(({ nspname }) => nspname);
}

/** A place where nothing listens. */
const NOWHERE = { host: '127.0.0.1', port: 1 };

describeWithPoolers('deploy:lab verify', () => {
  it('finds nothing wrong with a cluster that is as it should be, and leaves nothing behind', async () => {
    const { ok, checks } = await verify();
    expect(checks.filter(({ state }) => state === 'failed')).toEqual([]);
    expect(ok).toBe(true);
    expect(checks.filter(({ state }) => state === 'not-checked').map(({ check }) => check)).toEqual([
      'failover',
      'api-balancer',
      'backup',
    ]);
    expect(checks.filter(({ check }) => check === 'read').map(({ details }) => details['standbys'])).toEqual([
      2, 1,
    ]);
  });

  it('has a line for each check, in both languages', async () => {
    const english = await lab().deploy(['verify', '--lang', 'en']);
    expect(english.out).toMatch(/^Cluster: fake at https:/);
    expect(english.out).toContain('ok           write refused (replica pooler): by the standby (25006)');
    expect(english.out).toContain('not checked  backup: backup and restore are not there yet');
    const german = await lab().deploy(['verify', '--lang', 'de']);
    expect(german.out).toContain('ok         Schreiben abgelehnt (Replica-Pooler): vom Standby (25006)');
    expect(german.out).toContain('ungeprüft  Sicherung: Sicherung und Wiederherstellung gibt es noch nicht');
  });

  it('names an address that was assigned otherwise, and one that cannot be reached', async () => {
    const reach: Reach = (place) => (place.host === '10.0.145.140' ? NOWHERE : lab().reach(place));
    const { find } = await verify({
      pace: IMPATIENT,
      session: { reach },
      edit: (text) => text.replace('replica: 10.0.145.136', 'replica: 10.0.145.140'),
    });
    expect(find('address', 'replica')).toMatchObject({
      state: 'failed',
      text: `Service default/${NAME}-repl has 10.0.145.136 instead`,
    });
    expect(find('tls', 'replica')).toMatchObject({
      state: 'failed',
      code: 'unreachable',
      text: '10.0.145.140:5432 cannot be reached from here (ECONNREFUSED)',
    });
    expect(find('read', 'replica')).toMatchObject({ state: 'failed', code: 'served-elsewhere' });
    expect(find('write', 'master')).toMatchObject({ state: 'ok' });
  });

  it('says of a silent address that it does not answer', async () => {
    const silence = await lab().database.fault('blackhole', { endpoint: 'replicaPooler' });
    try {
      const { find } = await verify({ pace: IMPATIENT });
      expect(find('tls', 'replicaPooler')).toMatchObject({
        code: 'unreachable',
        text: '10.0.145.137:5432 cannot be reached from here (no answer within 3000 ms)',
      });
    } finally {
      await silence.undo();
    }
  });

  it('notices a replica address that leads to the primary', async () => {
    const { master, replica } = lab().lab.network.addresses;
    const reach: Reach = ({ host, port }) => lab().reach({ host: host === replica ? master : host, port });
    const { find, failed } = await verify({ pace: IMPATIENT, session: { reach } });
    expect(find('read', 'replica')).toMatchObject({
      state: 'failed',
      code: 'served-elsewhere',
      details: { by: 'master' },
    });
    expect(failed.every(({ endpoint }) => endpoint === 'replica')).toBe(true);
  });

  it('trusts no certificate of another authority', async () => {
    const { database, patchSecret } = lab();
    patchSecret(TLS, { 'ca.crt': (await issueAuthority('another', Date.now())).certificate });
    try {
      const { find } = await verify({ pace: IMPATIENT });
      for (const endpoint of ['master', 'replica', 'masterPooler', 'replicaPooler'])
        expect(find('tls', endpoint)).toMatchObject({ state: 'failed', code: 'certificate' });
      expect(find('version')).toMatchObject({ state: 'failed', code: 'sql' });
      expect(find('write', 'master')?.state).toBe('failed');
      expect(find('read', 'replica')).toMatchObject({ state: 'not-checked' });
    } finally {
      patchSecret(TLS, { 'ca.crt': database.ca });
    }
  });

  it('holds the standbys to the limit of the lab, and to what Patroni lets take over', async () => {
    const { database, server } = lab();
    server.lab.patroni.members.set(`${NAME}-2`, { xlog_location: 1 });
    const lag = await database.fault('lag', { lagMs: 2_000 });
    try {
      const { find } = await verify({
        edit: (text) => text.replace('replicaReadMs: 60000', 'replicaReadMs: 1500'),
      });
      expect(find('read', 'replica')).toMatchObject({ code: 'late', details: { limitMs: 1_500 } });
      expect(find('members')).toMatchObject({
        code: 'member-behind',
        details: { pod: `${NAME}-2`, most: 33_554_432 },
      });
    } finally {
      await lag.undo();
      server.lab.patroni.members.clear();
    }
  });

  it('looks at what needs no password where the Secret has none', async () => {
    const { database, patchSecret } = lab();
    patchSecret(ACCOUNT, { password: null });
    try {
      const { find, failed } = await verify();
      expect(failed.map(({ check }) => check)).toEqual(['credentials']);
      expect(find('credentials')?.text).toBe(`Secret default/${ACCOUNT} has no password`);
      expect(find('tls', 'master')).toMatchObject({ state: 'not-checked' });
    } finally {
      patchSecret(ACCOUNT, { password: database.password });
    }
  });

  it('does not heed the variables of an app', async () => {
    // One that is not known, which an app's client would refuse, and one that would mean something.
    vi.stubEnv('SCHOOLDB_REPLIKA', '10.0.145.136');
    vi.stubEnv('SCHOOLDB_STARTUP_OPTIONS', '-c default_transaction_read_only=on');
    onTestFinished(() => void vi.unstubAllEnvs());
    expect((await verify()).failed).toEqual([]);
  });

  it('drops what a run that was killed has left, and nothing that is somebody else’s', async () => {
    await sql('CREATE SCHEMA schooldb_verify');
    await sql(`COMMENT ON SCHEMA schooldb_verify IS 'schooldb-deploy verify: may be dropped at any time'`);
    await sql('CREATE TABLE schooldb_verify.probe (way text)');
    const { ok } = await verify();
    expect(ok).toBe(true);

    await sql('CREATE SCHEMA schooldb_verify');
    onTestFinished(async () => void (await sql('DROP SCHEMA IF EXISTS schooldb_verify')));
    const { code, out } = await lab().deploy(['verify', '--json']);
    expect(code).toBe(EXIT.failed);
    expect(out).toContain('"code": "scratch-taken"');
    expect(await schemas()).toContain('schooldb_verify');
  });

  it('is stopped by Ctrl-C at any moment, and tidies up', async () => {
    const stopping = new AbortController();
    const lag = await lab().database.fault('lag', { lagMs: 60_000 });
    try {
      const stopped = lab().deploy(['verify'], { session: { signal: stopping.signal } });
      // It waits for the standbys by then.
      await expect.poll(() => schemas(), { timeout: 60_000 }).toContain('schooldb_verify');
      stopping.abort();
      const { code, err } = await stopped;
      expect({ code, err }).toEqual({
        code: EXIT.interrupted,
        err: expect.stringContaining('Stopped.') as string,
      });
      expect(await schemas()).not.toContain('schooldb_verify');
    } finally {
      await lag.undo();
    }
  });
});
