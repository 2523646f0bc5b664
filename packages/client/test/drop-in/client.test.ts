/** A client of its own, on the original and on the drop-in. */
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from, to } from 'pg-copy-streams';
import Cursor from 'pg-cursor';
import { describe, expect, it } from 'vitest';
import type { Subject } from '../support/drop-in.ts';
import { SUBJECTS, event, silentServer, useServer } from '../support/drop-in.ts';

const server = useServer();

async function withClient(
  { Client }: Pick<Subject, 'Client'>,
  options: pg.ClientConfig,
  use: (client: pg.Client) => Promise<void>,
): Promise<void> {
  const client = new Client(options);
  client.on('error', () => {});
  await client.connect();
  try {
    await use(client);
  } finally {
    await client.end();
  }
}

describe.each(SUBJECTS)('a client of %s', (_name, subject) => {
  it('connects, answers and ends', async () => {
    const client = new subject.Client(server.config);
    const ended = event(client, 'end');
    const told = event(client, 'connect');
    expect(await client.connect()).toBe(client);
    await told;
    expect([client.host, client.port, client.database, client.user]).toEqual([
      server.config.host,
      server.config.port,
      server.config.database,
      server.config.user,
    ]);
    expect((await client.query('SELECT $1::text AS v', ['x'])).rows).toEqual([{ v: 'x' }]);
    expect(await client.end()).toBeUndefined();
    await ended;
    await expect(client.query('SELECT 1')).rejects.toThrow('Client was closed and is not queryable');
  });

  it('connects, answers and ends by callbacks', () => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const client = new subject.Client(server.config);
    client.connect((error: Error | null) => {
      if (error) return reject(error);
      client.query('SELECT 1 AS n', (failure, result) => {
        if (failure) return reject(failure);
        expect(result.rows).toEqual([{ n: 1 }]);
        client.end(() => resolve());
      });
    });
    return promise;
  });

  it('connects by a string', async () => {
    const { user, password, host, port, database } = server.config;
    const url = `postgres://${user}:${encodeURIComponent(password)}@${host}:${port}/${database}?sslmode=no-verify`;
    const client = new subject.Client(url);
    await client.connect();
    expect((await client.query('SELECT current_user AS who')).rows).toEqual([{ who: user }]);
    await client.end();
  });

  it('lets statements queue up before it is connected', async () => {
    const client = new subject.Client(server.config);
    const early = client.query('SELECT 1 AS n');
    await client.connect();
    expect((await early).rows).toEqual([{ n: 1 }]);
    await client.end();
  });

  it('can not be connected twice', () =>
    withClient(subject, server.config, async (client) => {
      await expect(client.connect()).rejects.toThrow(
        'Client has already been connected. You cannot reuse a client.',
      );
    }));

  it('can be ended before it was connected', async () => {
    const client = new subject.Client(server.config);
    expect(await client.end()).toBeUndefined();
  });

  it('says within its time that something is silent', async () => {
    const silent = await silentServer();
    const client = new subject.Client({
      ...server.config,
      host: '127.0.0.1',
      port: silent.port,
      connectionTimeoutMillis: 200,
    });
    const ended = event(client, 'end');
    await expect(client.connect()).rejects.toThrow(/timeout expired|no answer/);
    await ended;
    await silent.close();
  });

  it('says what the server says to a wrong password', async () => {
    const client = new subject.Client({ ...server.config, password: 'wrong' });
    const early = client.query('SELECT 1').catch((error: unknown) => error);
    await expect(client.connect()).rejects.toMatchObject({ code: '28P01', severity: 'FATAL' });
    expect(await early).toBeInstanceOf(Error);
    await client.end();
  });

  it('knows its transaction', () =>
    withClient(subject, server.config, async (client) => {
      const states = [client.getTransactionStatus()];
      for (const text of ['BEGIN', 'SELEC', 'ROLLBACK']) {
        await client.query(text).catch(() => {});
        // The state follows an error a moment later.
        await client.query('').catch(() => {});
        states.push(client.getTransactionStatus());
      }
      expect(states).toEqual(['I', 'T', 'E', 'I']);
    }));

  it('tells of a connection that is lost, and of its end', () =>
    withClient(subject, server.config, async (client) => {
      const lost = event(client, 'error');
      const ended = event(client, 'end');
      const running = client.query('SELECT pg_sleep(60)').catch((error: unknown) => error);
      const queued = client.query('SELECT 1').catch((error: unknown) => error);
      await terminate(client);
      expect(await running).toMatchObject({ code: '57P01' });
      expect(await queued).toMatchObject({ message: 'Connection terminated unexpectedly' });
      expect(await lost).toMatchObject([{ message: 'Connection terminated unexpectedly' }]);
      await ended;
    }));

  it('copies in and out, and reads by a cursor', () =>
    withClient(subject, server.config, async (client) => {
      await client.query('CREATE TEMP TABLE copied (n integer)');
      await pipeline(Readable.from(['1\n2\n', '3\n']), client.query(from('COPY copied FROM STDIN')));
      let text = '';
      const sink = new Writable({
        write(chunk: Buffer, _encoding, done) {
          text += chunk.toString();
          done();
        },
      });
      await pipeline(client.query(to('COPY (SELECT n FROM copied ORDER BY n) TO STDOUT')), sink);
      expect(text).toBe('1\n2\n3\n');
      const cursor = client.query(new Cursor('SELECT n FROM copied ORDER BY n'));
      expect(await cursor.read(2)).toEqual([{ n: 1 }, { n: 2 }]);
      expect(await cursor.read(2)).toEqual([{ n: 3 }]);
      await cursor.close();
      expect((await client.query('SELECT count(*)::int AS n FROM copied')).rows).toEqual([{ n: 3 }]);
    }));

  it('refuses a COPY that comes as an ordinary statement, and goes on', () =>
    withClient(subject, server.config, async (client) => {
      await client.query('CREATE TEMP TABLE copied (n integer)');
      await expect(client.query('COPY copied FROM STDIN')).rejects.toThrow(/No source stream defined/);
      expect((await client.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
    }));

  it('pipelines where it is told to', () =>
    withClient(subject, { ...server.config, pipeline: true }, async (client) => {
      const answers = await Promise.allSettled([
        client.query('SELECT 1 AS n'),
        client.query('SELEC'),
        client.query('SELECT $1::int AS n', [3]),
      ]);
      expect(
        answers.map((each) => (each.status === 'fulfilled' ? each.value.rows : each.reason.code)),
      ).toEqual([[{ n: 1 }], '42601', [{ n: 3 }]]);
    }));

  it('has what others look for inside', () =>
    withClient(subject, server.config, async (client) => {
      const inside = client as unknown as Record<string, unknown> & {
        connection: { stream: { writable: boolean } };
      };
      expect(inside['processID']).toBeGreaterThan(0);
      expect(inside['secretKey']).toEqual(expect.any(Number));
      expect(inside.connection).toBeInstanceOf(pg.Connection);
      expect(inside.connection.stream.writable).toBe(true);
      expect(inside['_types']).toBeInstanceOf(pg.TypeOverrides);
      expect(inside['connectionParameters']).toMatchObject({ user: server.config.user });
      expect(client.escapeLiteral(`it's`)).toBe(`'it''s'`);
      client.setTypeParser(pg.types.builtins.INT4, (value) => `int ${value}`);
      expect((await client.query('SELECT 1::int AS n')).rows).toEqual([{ n: 'int 1' }]);
    }));

  it('cancels what another client runs', () =>
    withClient(subject, server.config, async (client) => {
      const running = client.query('SELECT pg_sleep(60)').catch((error: unknown) => error);
      await withClient(subject, server.config, async (other) => {
        const { processID } = client as unknown as { processID: number };
        await other.query('SELECT pg_cancel_backend($1)', [processID]);
      });
      expect(await running).toMatchObject({ code: '57014' });
      expect((await client.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
    }));
});

async function terminate(client: pg.Client): Promise<void> {
  const admin = new pg.Client(server.config);
  await admin.connect();
  await admin.query('SELECT pg_terminate_backend($1)', [
    (client as unknown as { processID: number }).processID,
  ]);
  await admin.end();
}
