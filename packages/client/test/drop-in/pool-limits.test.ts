/** pg-pool's timeouts, limits and hooks, on the original and on the drop-in. */
import { spawnSync } from 'node:child_process';
import type pg from 'pg';
import { describe, expect, it } from 'vitest';
import { SUBJECTS, event, silentServer, withPool, useServer } from '../support/drop-in.ts';
import { until } from '../support/with-cluster.ts';

const server = useServer();

const pidOf = (client: pg.Client) => (client as unknown as { processID: number }).processID;

describe.each(SUBJECTS)('a pool of %s', (name, subject) => {
  describe('and its timeouts', () => {
    it('closes a client that was idle for as long as it may', () =>
      withPool(subject, { ...server.config, idleTimeoutMillis: 50 }, async (pool) => {
        const removed = event(pool, 'remove');
        const client = await pool.connect();
        client.release();
        expect(pool.idleCount).toBe(1);
        expect(await removed).toEqual([client]);
        expect([pool.totalCount, pool.idleCount]).toEqual([0, 0]);
      }));

    it('keeps as many as it is to keep', () =>
      withPool(subject, { ...server.config, idleTimeoutMillis: 50, min: 1, max: 3 }, async (pool) => {
        const clients = await Promise.all([pool.connect(), pool.connect(), pool.connect()]);
        for (const client of clients) client.release();
        await until('the others are closed', () => pool.totalCount === 1);
        expect(pool.idleCount).toBe(1);
      }));

    it('keeps idle clients for ever where the time is 0', () =>
      withPool(subject, { ...server.config, idleTimeoutMillis: 0 }, async (pool) => {
        const pids = [];
        for (let round = 0; round < 3; round += 1)
          pids.push((await pool.query('SELECT pg_backend_pid() AS pid')).rows[0].pid);
        expect(new Set(pids).size).toBe(1);
      }));

    it('refuses who has waited too long for a client, and goes on with others', () =>
      withPool(subject, { ...server.config, max: 1, connectionTimeoutMillis: 1_000 }, async (pool) => {
        const held = await pool.connect();
        await expect(pool.connect()).rejects.toThrow('timeout exceeded when trying to connect');
        await expect(pool.query('SELECT 1')).rejects.toThrow('timeout exceeded when trying to connect');
        const byCallback = await new Promise<Error | undefined>((resolve) =>
          pool.connect((error) => resolve(error)),
        );
        expect(byCallback?.message).toBe('timeout exceeded when trying to connect');
        expect(pool.waitingCount).toBe(0);
        held.release();
        expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
      }));

    it('gives up a connect to something that is silent', async () => {
      const silent = await silentServer();
      try {
        await withPool(
          subject,
          { ...server.config, host: '127.0.0.1', port: silent.port, max: 1, connectionTimeoutMillis: 200 },
          async (pool) => {
            const text = 'Connection terminated due to connection timeout';
            await expect(pool.connect()).rejects.toThrow(text);
            await expect(pool.query('SELECT 1')).rejects.toThrow(text);
            expect([pool.totalCount, pool.idleCount, pool.waitingCount]).toEqual([0, 0, 0]);
          },
        );
      } finally {
        await silent.close();
      }
    });

    it('ends although something is silent', async () => {
      const silent = await silentServer();
      const pool = new subject.Pool({
        ...server.config,
        host: '127.0.0.1',
        port: silent.port,
        connectionTimeoutMillis: 300,
      });
      const failed = pool.connect().catch((error: unknown) => error);
      await pool.end();
      expect(await failed).toBeInstanceOf(Error);
      expect(pool.totalCount).toBe(0);
      await silent.close();
    });

    it('closes a client that has been used as often as it may', () =>
      withPool(subject, { ...server.config, max: 1, maxUses: 2 }, async (pool) => {
        const pids: number[] = [];
        for (let round = 0; round < 4; round += 1) {
          const client = await pool.connect();
          pids.push(pidOf(client));
          client.release();
        }
        expect(pids[0]).toBe(pids[1]);
        expect(pids[2]).toBe(pids[3]);
        expect(pids[1]).not.toBe(pids[2]);
      }));

    it('closes an idle client that has become too old', () =>
      withPool(subject, { ...server.config, maxLifetimeSeconds: 0.2, idleTimeoutMillis: 0 }, async (pool) => {
        const removed = event(pool, 'remove');
        await pool.query('SELECT 1');
        await removed;
        expect([pool.totalCount, pool.expiredCount]).toEqual([0, 0]);
      }));

    it('counts a lent client that has become too old, and closes it when it comes back', () =>
      withPool(subject, { ...server.config, maxLifetimeSeconds: 0.2 }, async (pool) => {
        const client = await pool.connect();
        await until('it has expired', () => pool.expiredCount === 1);
        expect((await client.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
        const removed = event(pool, 'remove');
        client.release();
        expect(await removed).toEqual([client]);
        expect([pool.totalCount, pool.expiredCount]).toEqual([0, 0]);
      }));
  });

  describe('and its hooks', () => {
    it('has a new client verified before it is lent', () => {
      const verified: pg.Client[] = [];
      const verify: pg.PoolConfig['verify'] = (client, done) => {
        verified.push(client);
        client.query('SELECT 1', done);
      };
      return withPool(subject, { ...server.config, max: 1, verify }, async (pool) => {
        const client = await pool.connect();
        client.release();
        await pool.query('SELECT 1');
        expect(verified).toEqual([client]);
      });
    });

    it('lends no client that was found wanting', () => {
      const failure = new Error('not good enough');
      const verify: pg.PoolConfig['verify'] = (_client, done) => done(failure);
      return withPool(subject, { ...server.config, verify }, async (pool) => {
        await expect(pool.connect()).rejects.toBe(failure);
        await expect(pool.query('SELECT 1')).rejects.toThrow('not good enough');
        expect([pool.totalCount, pool.idleCount]).toEqual([0, 0]);
      });
    });

    it('prepares a new client before anybody has it', () => {
      let prepared = 0;
      const onConnect = (client: pg.ClientBase) =>
        client.query(`SET application_name = 'prepared'`).then(() => {
          prepared += 1;
        }) as unknown as void;
      return withPool(subject, { ...server.config, max: 1, onConnect }, async (pool) => {
        const { rows } = await pool.query('SHOW application_name');
        await pool.query('SELECT 1');
        expect([rows, prepared]).toEqual([[{ application_name: 'prepared' }], 1]);
      });
    });

    it.each([
      ['rejects', () => Promise.reject(new Error('no')) as unknown as void],
      [
        'throws',
        () => {
          throw new Error('no');
        },
      ],
    ])('lends no client whose preparation %s', (_how, onConnect) =>
      withPool(subject, { ...server.config, onConnect }, async (pool) => {
        await expect(pool.connect()).rejects.toThrow('no');
        expect([pool.totalCount, pool.idleCount]).toEqual([0, 0]);
      }),
    );

    it('tells what it does to a log', () => {
      const lines: unknown[] = [];
      return withPool(subject, { ...server.config, log: (line) => lines.push(line) }, async (pool) => {
        await pool.query('SELECT 1');
        expect(lines).toEqual(expect.arrayContaining(['connecting new client', 'new client connected']));
      });
    });

    it('lets a hook of the event connect ask first', () =>
      withPool(subject, { ...server.config, max: 1 }, async (pool) => {
        pool.on('connect', (client) => void client.query(`SET application_name = 'by event'`));
        const { rows } = await pool.query('SHOW application_name');
        expect(rows).toEqual([{ application_name: 'by event' }]);
      }));
  });

  describe('and its process', () => {
    const run = (code: string) =>
      spawnSync(process.execPath, ['--input-type=module', '--no-warnings', '-e', code], {
        encoding: 'utf8',
        timeout: 60_000,
        env: { ...process.env, CONFIG: JSON.stringify(server.config) },
      });
    const importing = `import * as all from ${JSON.stringify(name === 'pg' ? import.meta.resolve('pg') : new URL('../../src/pg/index.ts', import.meta.url).href)};
      const { Pool } = all;
      const config = JSON.parse(process.env.CONFIG);`;

    it('lets it end when it is idle and may', () => {
      const { status, stdout, stderr } = run(`${importing}
        const pool = new Pool({ ...config, allowExitOnIdle: true, idleTimeoutMillis: 600_000 });
        await pool.query('SELECT 1');
        await pool.query('SELECT 1');
        console.log('done');`);
      expect([status, stdout, stderr]).toEqual([0, 'done\n', '']);
    });

    it('lets it end when it was ended', () => {
      const { status, stdout, stderr } = run(`${importing}
        const pool = new Pool({ ...config, idleTimeoutMillis: 600_000 });
        await Promise.all([1, 2, 3].map(() => pool.query('SELECT 1')));
        await pool.end();
        console.log('done');`);
      expect([status, stdout, stderr]).toEqual([0, 'done\n', '']);
    });

    it('keeps it as long as an idle client is kept', () => {
      const { status, stdout } = run(`${importing}
        const pool = new Pool({ ...config, idleTimeoutMillis: 300 });
        pool.on('remove', () => console.log('removed'));
        await pool.query('SELECT 1');
        console.log('idle');`);
      expect([status, stdout]).toEqual([0, 'idle\nremoved\n']);
    });
  });
});
