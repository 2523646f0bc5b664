/** What we rely on in pg beyond its documentation: pg is pinned, and a new version must pass this first. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { Cluster } from '@schooldb/local-cluster';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openPgWire } from '../../src/wire/pg-wire.ts';
import type { Wire, WireTarget } from '../../src/wire/wire.ts';
import { WireLostError } from '../../src/wire/wire.ts';
import { startTestCluster, until } from '../support/with-cluster.ts';

let cluster: Cluster;
let target: WireTarget;

beforeAll(async () => {
  cluster = await startTestCluster({ replicas: 0, synchronous: false });
  const { database, user, password, ca } = cluster;
  target = {
    ...cluster.endpoints.master,
    database,
    user,
    password,
    tls: { ca },
    applicationName: 'contract',
  };
});

afterAll(() => cluster.stop());

async function withWire(use: (wire: Wire) => Promise<void>): Promise<void> {
  const wire = await openPgWire(target).ready;
  try {
    await use(wire);
  } finally {
    await wire.end();
  }
}

describe('the wire on pg', () => {
  it('answers each statement of a flush by itself, in its order', () =>
    withWire(async (wire) => {
      const answers = await wire.flush([
        { text: 'SELECT 1 AS n' },
        { text: 'SELEC' },
        { text: 'SELECT 3 AS n' },
      ]);
      expect(
        answers.map((each) => (each.status === 'fulfilled' ? each.value.rows[0].n : each.reason.code)),
      ).toEqual([1, '42601', 3]);
    }));

  it('refuses a text of several statements as a query, and runs it as a script', () =>
    withWire(async (wire) => {
      await expect(wire.query({ text: 'SELECT 1; SELECT 2' })).rejects.toMatchObject({ code: '42601' });
      expect(await wire.script('SELECT 1; SELECT 2')).toHaveLength(2);
    }));

  it('sends nothing of a statement one of whose values can not be sent', () =>
    withWire(async (wire) => {
      const circular: Record<string, unknown> = {};
      circular['self'] = circular;
      const before = wire.bytesRead;
      await expect(wire.query({ text: 'SELECT $1', values: [circular] })).rejects.toThrow(TypeError);
      await expect(
        wire.flush([{ text: 'SELECT 1' }, { text: 'SELECT $1', values: [circular] }]),
      ).rejects.toThrow();
      expect([wire.bytesRead, wire.unanswered]).toEqual([before, 0]);
      expect((await wire.query({ text: 'SELECT $1::text AS v', values: ['fine'] })).rows).toEqual([
        { v: 'fine' },
      ]);
    }));

  it('takes nothing from the environment, and sends the startup options that it is given', async () => {
    vi.stubEnv('PGOPTIONS', '-c statement_timeout=4711');
    vi.stubEnv('PGREPLICATION', 'database');
    vi.stubEnv('PGSSLNEGOTIATION', 'direct');
    vi.stubEnv('PGPASSWORD', 'wrong');
    try {
      for (const [startupOptions, timeout] of [
        [undefined, '0'],
        ['-c statement_timeout=17', '17ms'],
      ] as const) {
        const wire = await openPgWire({ ...target, startupOptions }).ready;
        const { rows } = await wire.query({ text: 'SHOW statement_timeout' });
        expect(rows).toEqual([{ statement_timeout: timeout }]);
        await wire.end();
      }
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('knows the state of its transaction', () =>
    withWire(async (wire) => {
      expect(wire.transactionStatus).toBe('idle');
      await wire.script('BEGIN');
      expect(wire.transactionStatus).toBe('open');
      await wire.query({ text: 'SELEC' }).catch(() => {});
      await until('the server is ready again', () => wire.transactionStatus === 'failed');
      await wire.script('ROLLBACK');
      expect(wire.transactionStatus).toBe('idle');
    }));

  it('hears of settings that the server reports, and of notices with the function they come from', () =>
    withWire(async (wire) => {
      const seen: string[] = [];
      wire.onParameter((name, value) => seen.push(`${name}=${value}`));
      wire.onNotice(({ severity, code, routine }) => seen.push(`${severity} ${code} ${routine}`));
      await wire.query({ text: `SET application_name = 'renamed'` });
      await wire.query({ text: `DO $$ BEGIN RAISE WARNING 'careful'; END $$` });
      expect(seen).toEqual(['application_name=renamed', 'WARNING 01000 exec_stmt_raise']);
    }));

  it('fails everything unanswered with the reason when its backend is ended', () =>
    withWire(async (wire) => {
      const waiting = wire.query({ text: 'SELECT pg_sleep(60)' }).catch((error: unknown) => error);
      const other = new pg.Client({ ...target, ssl: { ca: cluster.ca } });
      await other.connect();
      await other.query('SELECT pg_terminate_backend($1)', [wire.processId]);
      await other.end();
      const error = await waiting;
      expect(error).toBeInstanceOf(WireLostError);
      expect(error).toMatchObject({ sent: true, cause: { code: '57P01' } });
      await expect(wire.query({ text: 'SELECT 1' })).rejects.toMatchObject({ sent: false });
    }));

  it('lets an attempt to connect be given up', async () => {
    const pending = openPgWire(target);
    pending.abandon(new Error('enough'));
    await expect(pending.ready).rejects.toThrow('enough');
  });

  it('says that TLS is not offered where the server answers so', async () => {
    const server = createServer((socket) => socket.once('data', () => socket.end('N')));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    try {
      const { port } = server.address() as AddressInfo;
      await expect(openPgWire({ ...target, port }).ready).rejects.toMatchObject({
        code: 'SCHOOLDB_TLS_NOT_OFFERED',
      });
    } finally {
      server.close();
    }
  });
});
