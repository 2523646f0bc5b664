/**
 * What pg-pool documents of itself, on the original and on the drop-in. Its statements: pool-query.test.ts, its limits
 * and hooks: pool-limits.test.ts.
 */
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { SUBJECTS, event, withPool, useServer } from '../support/drop-in.ts';
import { until } from '../support/with-cluster.ts';

const server = useServer();

describe.each(SUBJECTS)('a pool of %s', (_name, subject) => {
  describe('that is made', () => {
    it('is one of pg, and has its options with their defaults', () =>
      withPool(subject, {}, async (pool) => {
        expect(pool).toBeInstanceOf(pg.Pool);
        expect(pool.options).toMatchObject({ max: 10, maxUses: Infinity, idleTimeoutMillis: 10_000 });
        expect(pool.options).toMatchObject({ allowExitOnIdle: false, maxLifetimeSeconds: 0, min: 0 });
        expect([pool.totalCount, pool.idleCount, pool.waitingCount, pool.expiredCount]).toEqual([0, 0, 0, 0]);
      }));

    it('keeps the options it was given, and does not show the password', () =>
      withPool(subject, { ...server.config, max: 3, application_name: 'given' }, async (pool) => {
        expect(pool.options).toMatchObject({ max: 3, application_name: 'given', host: server.config.host });
        expect(Object.keys(pool.options)).not.toContain('password');
        expect((pool.options as { password?: string }).password).toBe(server.config.password);
      }));

    it('connects by a connection string', () => {
      const { user, password, host, port, database, ssl } = server.config;
      const connectionString = `postgres://${user}:${encodeURIComponent(password)}@${host}:${port}/${database}`;
      return withPool(subject, { connectionString, ssl }, async (pool) => {
        const { rows } = await pool.query('SELECT current_user AS who, current_database() AS where');
        expect(rows).toEqual([{ who: user, where: database }]);
      });
    });

    it('connects by what the environment says', async () => {
      const { user, password, host, port, database, ssl } = server.config;
      const said = {
        PGUSER: user,
        PGPASSWORD: password,
        PGHOST: host,
        PGPORT: String(port),
        PGDATABASE: database,
      };
      const before = Object.keys(said).map((name) => [name, process.env[name]] as const);
      Object.assign(process.env, said, { PGAPPNAME: 'by-environment' });
      try {
        await withPool(subject, { ssl }, async (pool) => {
          const { rows } = await pool.query(`SELECT current_setting('application_name') AS name`);
          expect(rows).toEqual([{ name: 'by-environment' }]);
        });
      } finally {
        for (const [name, value] of [...before, ['PGAPPNAME', undefined] as const]) {
          if (value === undefined) delete process.env[name];
          else process.env[name] = value;
        }
      }
    });

    it('asks a function for the password', () => {
      let asked = 0;
      const password = async () => {
        asked += 1;
        return server.config.password;
      };
      return withPool(subject, { ...server.config, password, max: 1 }, async (pool) => {
        await pool.query('SELECT 1');
        await pool.query('SELECT 1');
        expect(asked).toBe(1);
      });
    });

    it('hands the settings of a session to the server', () =>
      withPool(
        subject,
        {
          ...server.config,
          statement_timeout: 12_345,
          lock_timeout: 2_345,
          options: '-c geqo=off',
          idle_in_transaction_session_timeout: 3_456,
        },
        async (pool) => {
          const { rows } = await pool.query(
            `SELECT current_setting('statement_timeout') AS statement, current_setting('lock_timeout') AS lock,
               current_setting('geqo') AS geqo, current_setting('idle_in_transaction_session_timeout') AS idle`,
          );
          expect(rows).toEqual([{ statement: '12345ms', lock: '2345ms', geqo: 'off', idle: '3456ms' }]);
        },
      ));

    it("leaves a session's own time in a transaction to the server", () =>
      withPool(subject, server.config, async (pool) => {
        const { rows } = await pool.query('SHOW idle_in_transaction_session_timeout');
        expect(rows).toEqual([{ idle_in_transaction_session_timeout: '0' }]);
      }));

    it.each(['SHOW client_encoding', 'SHOW DateStyle', 'SHOW search_path', 'SHOW TimeZone'])(
      'has the session of pg: %s',
      (text) =>
        withPool(subject, server.config, async (pool) => {
          const client = new pg.Client(server.config);
          await client.connect();
          const expected = await client.query(text);
          await client.end();
          expect((await pool.query(text)).rows).toEqual(expected.rows);
        }),
    );

    it('makes clients of a class that it is given', () => {
      class Own extends subject.Client {
        readonly isOwn = true;
      }
      return withPool(subject, { ...server.config, Client: Own }, async (pool) => {
        const client = await pool.connect();
        expect(client).toMatchObject({ isOwn: true });
        client.release();
        expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
      });
    });
  });

  describe('that lends a client', () => {
    it('lends one of pg, with the way back', () =>
      withPool(subject, server.config, async (pool) => {
        const client = await pool.connect();
        expect(client).toBeInstanceOf(pg.Client);
        expect(client).toBeInstanceOf((pool as unknown as { Client: typeof pg.Client }).Client);
        expect((await client.query('SELECT $1::int AS n', [7])).rows).toEqual([{ n: 7 }]);
        expect((client as unknown as { processID: number }).processID).toBeGreaterThan(0);
        expect(client.release()).toBeUndefined();
      }));

    it('lends by callback, with the client and the way back apart', () =>
      withPool(subject, server.config, (pool) => {
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        const returned: unknown = pool.connect((error, client, release) => {
          if (error !== undefined || client === undefined) return reject(error);
          client.query('SELECT 3 AS n', (failure, result) => {
            release();
            if (failure) return reject(failure);
            expect(result.rows).toEqual([{ n: 3 }]);
            resolve();
          });
        });
        expect(returned).toBeUndefined();
        return promise;
      }));

    it('counts clients, idle ones and callers in line', () =>
      withPool(subject, { ...server.config, max: 2 }, async (pool) => {
        const counts = () => [pool.totalCount, pool.idleCount, pool.waitingCount];
        const clients = await Promise.all([pool.connect(), pool.connect()]);
        expect(counts()).toEqual([2, 0, 0]);
        const third = pool.connect();
        expect(counts()).toEqual([2, 0, 1]);
        clients[0].release();
        const last = await third;
        expect(last).toBe(clients[0]);
        expect(counts()).toEqual([2, 0, 0]);
        clients[1].release();
        last.release();
        expect(counts()).toEqual([2, 2, 0]);
      }));

    it('lends what came back last first', () =>
      withPool(subject, { ...server.config, max: 2 }, async (pool) => {
        const [first, second] = await Promise.all([pool.connect(), pool.connect()]);
        first.release();
        second.release();
        const next = await pool.connect();
        expect(next).toBe(second);
        next.release();
      }));

    it('serves callers in the order in which they came', () =>
      withPool(subject, { ...server.config, max: 1 }, async (pool) => {
        const held = await pool.connect();
        const served: string[] = [];
        const callers = ['first', 'second', 'third'].map((who) =>
          pool.connect().then((client) => {
            served.push(who);
            client.release();
          }),
        );
        held.release();
        await Promise.all(callers);
        expect(served).toEqual(['first', 'second', 'third']);
      }));

    it('never opens more connections than it may', () =>
      withPool(subject, { ...server.config, max: 3 }, async (pool) => {
        let most = 0;
        pool.on('connect', () => (most = Math.max(most, pool.totalCount)));
        const answers = await Promise.all(
          Array.from({ length: 30 }, (_, n) => pool.query('SELECT $1::int AS n', [n])),
        );
        expect(answers.map(({ rows }) => rows[0].n)).toEqual(Array.from({ length: 30 }, (_, n) => n));
        expect([most, pool.totalCount, pool.idleCount]).toEqual([3, 3, 3]);
      }));

    it('throws when a client comes back twice', () =>
      withPool(subject, server.config, async (pool) => {
        const client = await pool.connect();
        client.release();
        expect(() => client.release()).toThrow(
          'Release called on client which has already been released to the pool.',
        );
        expect(pool.idleCount).toBe(1);
      }));

    it.each([[true], [new Error('not fit')]])('closes a client that comes back with %s', (reason) =>
      withPool(subject, server.config, async (pool) => {
        const client = await pool.connect();
        const removed = event(pool, 'remove');
        client.release(reason);
        expect([pool.totalCount, pool.idleCount]).toEqual([0, 0]);
        expect(await removed).toEqual([client]);
      }),
    );

    it('opens another one for who waits when one is closed', () =>
      withPool(subject, { ...server.config, max: 1 }, async (pool) => {
        const client = await pool.connect();
        const next = pool.connect();
        client.release(true);
        const other = await next;
        expect(other).not.toBe(client);
        expect((await other.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
        other.release();
      }));

    it('hands on what a session was set to', () =>
      withPool(subject, { ...server.config, max: 1 }, async (pool) => {
        const client = await pool.connect();
        await client.query(`SET application_name = 'left behind'`);
        client.release();
        const { rows } = await pool.query('SHOW application_name');
        expect(rows).toEqual([{ application_name: 'left behind' }]);
      }));

    it('lets a statement that nobody waited for come to its end', () =>
      withPool(subject, { ...server.config, max: 1 }, async (pool) => {
        const client = await pool.connect();
        const answer = client.query('SELECT pg_sleep(0.2), 5 AS n');
        client.release();
        expect((await pool.query('SELECT 6 AS n')).rows).toEqual([{ n: 6 }]);
        expect((await answer).rows[0].n).toBe(5);
        expect(pool.totalCount).toBe(1);
      }));
  });

  describe('that tells of what happens', () => {
    it('tells of a client that is opened, lent, given back and closed, in this order', () =>
      withPool(subject, { ...server.config, max: 1 }, async (pool) => {
        const told: unknown[] = [];
        for (const name of ['connect', 'acquire', 'remove'] as const) {
          pool.on(name, (client) => told.push([name, client]));
        }
        pool.on('release', (error, client) => told.push(['release', error, client]));
        const client = await pool.connect();
        client.release();
        const again = await pool.connect();
        const reason = new Error('enough of it');
        const removed = event(pool, 'remove');
        again.release(reason);
        await removed;
        expect(again).toBe(client);
        expect(told).toEqual([
          ['connect', client],
          ['acquire', client],
          ['release', undefined, client],
          ['acquire', client],
          ['release', reason, client],
          ['remove', client],
        ]);
      }));

    it('tells of a connection that is lost while nobody has it, and forgets it', () =>
      withPool(subject, { ...server.config, max: 2 }, async (pool) => {
        const client = await pool.connect();
        const pid = (client as unknown as { processID: number }).processID;
        client.release();
        const lost = event(pool, 'error');
        const removed = event(pool, 'remove');
        await terminate(pid);
        const [error, whose] = await lost;
        expect(error).toMatchObject({ code: '57P01', severity: 'FATAL' });
        expect(whose).toBe(client);
        expect((error as { client: unknown }).client).toBe(client);
        await removed;
        expect([pool.totalCount, pool.idleCount]).toEqual([0, 0]);
        expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
      }));

    it('leaves a connection that is lost while it is lent to its user', () =>
      withPool(subject, { ...server.config, max: 1 }, async (pool) => {
        let told = 0;
        pool.on('error', () => (told += 1));
        const client = await pool.connect();
        const lost = event(client, 'error');
        const pid = (client as unknown as { processID: number }).processID;
        const running = client.query('SELECT pg_sleep(60)').catch((error: unknown) => error);
        await terminate(pid);
        expect(await running).toMatchObject({ code: '57P01' });
        expect(await lost).toMatchObject([{ message: 'Connection terminated unexpectedly' }]);
        await expect(client.query('SELECT 1')).rejects.toThrow(
          'Client has encountered a connection error and is not queryable',
        );
        client.release();
        expect([told, pool.totalCount]).toEqual([0, 0]);
        expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
      }));

    it('passes on what the server notices and notifies, and says when a client has nothing to do', () =>
      withPool(subject, server.config, async (pool) => {
        const client = await pool.connect();
        await client.query('LISTEN news');
        const notice = event(client, 'notice');
        const notification = event(client, 'notification');
        const drained = event(client, 'drain');
        await client.query(`DO $$ BEGIN RAISE NOTICE 'look'; END $$`);
        await client.query(`NOTIFY news, 'here'`);
        expect(await notice).toMatchObject([{ message: 'look', severity: 'NOTICE' }]);
        expect(await notification).toMatchObject([{ channel: 'news', payload: 'here' }]);
        expect(await drained).toEqual([]);
        client.release(true);
      }));
  });

  describe('that is ended', () => {
    it('closes its clients, is then ended, and lends none any more', async () => {
      const pool = new subject.Pool(server.config);
      await pool.query('SELECT 1');
      const removed = event(pool, 'remove');
      const ended = pool.end();
      expect(pool.ending).toBe(true);
      expect(await ended).toBeUndefined();
      await removed;
      expect([pool.ending, pool.ended, pool.totalCount]).toEqual([true, true, 0]);
      await expect(pool.connect()).rejects.toThrow('Cannot use a pool after calling end on the pool');
      await expect(pool.query('SELECT 1')).rejects.toThrow('Cannot use a pool after calling end on the pool');
      const byCallback = await new Promise<Error | undefined>((resolve) =>
        pool.connect((error) => resolve(error)),
      );
      expect(byCallback?.message).toBe('Cannot use a pool after calling end on the pool');
    });

    it('can not be ended twice', async () => {
      const pool = new subject.Pool(server.config);
      await pool.end();
      await expect(pool.end()).rejects.toThrow('Called end on pool more than once');
      const byCallback = await new Promise<unknown>((resolve) => pool.end(resolve as () => void));
      expect((byCallback as Error).message).toBe('Called end on pool more than once');
    });

    it('says by callback when it has ended', async () => {
      const pool = new subject.Pool(server.config);
      await pool.query('SELECT 1');
      const told = await new Promise<unknown>((resolve) => pool.end(resolve as () => void));
      expect([told, pool.ended]).toEqual([undefined, true]);
    });

    it('waits for clients that are lent', async () => {
      const pool = new subject.Pool(server.config);
      const client = await pool.connect();
      let hasEnded = false;
      const ended = pool.end().then(() => (hasEnded = true));
      expect((await client.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
      expect(hasEnded).toBe(false);
      client.release();
      await ended;
      expect(pool.totalCount).toBe(0);
    });

    it('leaves no session behind', async () => {
      const name = `gone-${_name}`;
      const pool = new subject.Pool({ ...server.config, application_name: name, max: 3 });
      await Promise.all([1, 2, 3].map(() => pool.query('SELECT pg_sleep(0.05)')));
      await pool.end();
      await until('the server has no session of it', async () => (await sessionsOf(name)) === 0);
    });
  });

  describe('whose server refuses', () => {
    it.each([
      ['a wrong password', { password: 'wrong' }, { code: '28P01' }],
      ['an unknown database', { database: 'nowhere' }, { code: '3D000' }],
      ['an unknown role', { user: 'nobody', password: 'x' }, { code: '28P01' }],
    ])('says so at once: %s', (_what, options, expected) =>
      withPool(subject, { ...server.config, ...options }, async (pool) => {
        const error = await pool.connect().catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(pg.DatabaseError);
        expect(error).toMatchObject(expected);
        await expect(pool.query('SELECT 1')).rejects.toMatchObject(expected);
        expect([pool.totalCount, pool.waitingCount]).toEqual([0, 0]);
      }),
    );

    it('says at once that its certificate is not trusted', () =>
      withPool(subject, { ...server.config, ssl: true }, async (pool) => {
        await expect(pool.query('SELECT 1')).rejects.toMatchObject({
          code: expect.stringMatching(/^(SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE)$/),
        });
      }));

    it('says at once that a password is no text', () =>
      withPool(
        subject,
        { ...server.config, password: (() => 7) as unknown as () => string },
        async (pool) => {
          await expect(pool.query('SELECT 1')).rejects.toThrow('Password must be a string');
        },
      ));
  });
});

async function terminate(pid: number): Promise<void> {
  const admin = new pg.Client(server.config);
  await admin.connect();
  await admin.query('SELECT pg_terminate_backend($1)', [pid]);
  await admin.end();
}

async function sessionsOf(name: string): Promise<number> {
  const admin = new pg.Client(server.config);
  await admin.connect();
  const { rows } = await admin.query(
    'SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = $1',
    [name],
  );
  await admin.end();
  return rows[0].n;
}
