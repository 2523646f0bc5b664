/** What pg-pool does with a statement that the pool itself is given, on the original and on the drop-in. */
import { AsyncLocalStorage } from 'node:async_hooks';
import pg from 'pg';
import Cursor from 'pg-cursor';
import { describe, expect, it } from 'vitest';
import { SUBJECTS, event, withPool, useServer } from '../support/drop-in.ts';

type Done = (error: Error | undefined, result: pg.QueryResult) => void;

const { BOOL } = pg.types.builtins;

const server = useServer();

describe.each(SUBJECTS)('a pool of %s that is asked itself', (_name, subject) => {
  it('answers with the results of pg', () =>
    withPool(subject, server.config, async (pool) => {
      const result = await pool.query(
        'SELECT 1::int AS n, now() AS at, NULL AS nothing, ARRAY[1,2] AS list, $1::jsonb AS doc',
        [{ a: 1 }],
      );
      expect(result).toBeInstanceOf(pg.Result);
      expect(result).toMatchObject({ command: 'SELECT', rowCount: 1 });
      expect(result.fields.map(({ name, dataTypeID }) => [name, dataTypeID])).toEqual([
        ['n', 23],
        ['at', 1184],
        ['nothing', 25],
        ['list', 1007],
        ['doc', 3802],
      ]);
      expect(result.rows).toEqual([
        { n: 1, at: expect.any(Date), nothing: null, list: [1, 2], doc: { a: 1 } },
      ]);
    }));

  it.each([
    ['text', (pool: pg.Pool, done: Done) => pool.query('SELECT 4 AS n', done)],
    ['text and values', (pool: pg.Pool, done: Done) => pool.query('SELECT $1::int AS n', [4], done)],
    [
      'an object',
      (pool: pg.Pool, done: Done) => pool.query({ text: 'SELECT $1::int AS n', values: [4] }, done),
    ],
  ])('answers by callback to %s, and returns nothing', (_what, ask) =>
    withPool(subject, server.config, (pool) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const returned: unknown = ask(pool, (error, result) => {
        if (error) return reject(error);
        expect(result.rows).toEqual([{ n: 4 }]);
        resolve();
      });
      expect(returned).toBeUndefined();
      return promise;
    }),
  );

  it('tells an error by callback', () =>
    withPool(subject, server.config, (pool) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      pool.query('SELEC', (error) => {
        expect(error).toMatchObject({ code: '42601' });
        resolve();
      });
      return promise;
    }));

  it('answers an SQL error with that of the server, and goes on', () =>
    withPool(subject, { ...server.config, max: 1 }, async (pool) => {
      const error = await pool.query('SELECT 1/0').catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(pg.DatabaseError);
      expect(error).toBeInstanceOf(subject.DatabaseError);
      expect(error).toMatchObject({ code: '22012', severity: 'ERROR', message: 'division by zero' });
      expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
    }));

  it('leads the trace of an error to whoever has asked', () =>
    withPool(subject, server.config, async (pool) => {
      const askedHere = () => pool.query('SELEC');
      const error = await askedHere().catch((thrown: Error) => thrown);
      expect((error as Error).stack).toContain('pool-query.test.ts');
    }));

  it('survives many errors in a row', () =>
    withPool(subject, { ...server.config, max: 4 }, async (pool) => {
      const answers = await Promise.allSettled(Array.from({ length: 40 }, () => pool.query('SELEC')));
      expect(answers.every(({ status }) => status === 'rejected')).toBe(true);
      expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
      expect(pool.waitingCount).toBe(0);
    }));

  it('refuses a function in the place of a text', () =>
    withPool(subject, server.config, async (pool) => {
      const { promise, resolve } = Promise.withResolvers<Error>();
      (pool.query as unknown as (done: (error: Error) => void) => void)(resolve);
      expect((await promise).message).toBe(
        'Passing a function as the first parameter to pool.query is not supported',
      );
    }));

  it('rejects where there is no statement', () =>
    withPool(subject, server.config, async (pool) => {
      await expect(pool.query(undefined as unknown as string)).rejects.toThrow(
        'Client was passed a null or undefined query',
      );
      expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
    }));

  it('rejects a value that can not be sent, and goes on', () =>
    withPool(subject, { ...server.config, max: 1 }, async (pool) => {
      const circular: Record<string, unknown> = {};
      circular['self'] = circular;
      await expect(pool.query('SELECT $1::text', [circular])).rejects.toThrow(/circular/);
      expect((await pool.query('SELECT $1::text AS v', ['fine'])).rows).toEqual([{ v: 'fine' }]);
    }));

  it('gives rows as arrays, and runs named statements and texts of several', () =>
    withPool(subject, { ...server.config, max: 1 }, async (pool) => {
      expect((await pool.query({ text: 'SELECT 1, 2', rowMode: 'array' })).rows).toEqual([[1, 2]]);
      const named = { name: 'twice', text: 'SELECT $1::int * 2 AS n' };
      for (const n of [2, 3])
        expect((await pool.query({ ...named, values: [n] })).rows).toEqual([{ n: n * 2 }]);
      const { rows } = await pool.query('SELECT name FROM pg_prepared_statements');
      expect(rows).toEqual([{ name: 'twice' }]);
      const results = (await pool.query('SELECT 1 AS a; SELECT 2 AS b')) as unknown as pg.QueryResult[];
      expect(results.map((each) => each.rows)).toEqual([[{ a: 1 }], [{ b: 2 }]]);
    }));

  it('parses types as the statement, the pool or pg says', () => {
    const upper = {
      getTypeParser: () => (value: string) => `<${value}>`,
    } as unknown as pg.CustomTypesConfig;
    return withPool(subject, server.config, async (pool) => {
      expect((await pool.query({ text: 'SELECT 1 AS n', types: upper })).rows).toEqual([{ n: '<1>' }]);
      await withPool(subject, { ...server.config, types: upper }, async (other) => {
        expect((await other.query('SELECT true AS yes, 2::int AS n')).rows).toEqual([
          { yes: '<t>', n: '<2>' },
        ]);
      });
      const before = subject.types.getTypeParser(BOOL);
      subject.types.setTypeParser(BOOL, (value) => `bool ${value}`);
      try {
        await withPool(subject, server.config, async (other) => {
          expect((await other.query('SELECT false AS no')).rows).toEqual([{ no: 'bool f' }]);
        });
      } finally {
        subject.types.setTypeParser(BOOL, before as (value: string) => unknown);
      }
    });
  });

  it('takes what has to be submitted: a Query and a cursor', () =>
    withPool(subject, { ...server.config, max: 1 }, async (pool) => {
      const query = new subject.Query('SELECT generate_series(1, 3) AS n');
      const rows: unknown[] = [];
      query.on('row', (row) => rows.push(row));
      const ended = event(query, 'end');
      void pool.query(query);
      await ended;
      expect(rows).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
      const client = await pool.connect();
      const cursor = client.query(new Cursor('SELECT generate_series(1, 5) AS n'));
      expect(await cursor.read(2)).toEqual([{ n: 1 }, { n: 2 }]);
      await cursor.close();
      client.release();
      expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
      expect(pool.totalCount).toBe(1);
    }));

  it('keeps the context of whoever has asked', () =>
    withPool(subject, { ...server.config, max: 1 }, async (pool) => {
      const storage = new AsyncLocalStorage<string>();
      const seen = await Promise.all(
        ['one', 'two', 'three'].map((name) =>
          storage.run(name, async () => {
            await pool.query('SELECT 1');
            const afterQuery = storage.getStore();
            const client = await pool.connect();
            client.release();
            return [afterQuery, storage.getStore()];
          }),
        ),
      );
      expect(seen).toEqual([
        ['one', 'one'],
        ['two', 'two'],
        ['three', 'three'],
      ]);
    }));

  it('ends a statement that takes longer than query_timeout', () =>
    withPool(subject, { ...server.config, max: 1, query_timeout: 200 }, async (pool) => {
      await expect(pool.query('SELECT pg_sleep(60)')).rejects.toThrow('Query read timeout');
      expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
    }));
});
