/** The same queries through our dialect and through Kysely's own over plain pg: the same results, the same errors. */
import type { Cluster } from '@schooldb/local-cluster';
import { Kysely, PostgresDialect, sql } from 'kysely';
import type { Generated } from 'kysely';
import { jsonArrayFrom, jsonBuildObject, jsonObjectFrom } from 'kysely/helpers/postgres';
import { Pool } from 'pg';
import Cursor from 'pg-cursor';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { SchoolDb } from '../../src/index.ts';
import { SchoolDbDialect } from '../../src/kysely/index.ts';
import { clientOf, startTestCluster } from '../support/with-cluster.ts';

interface Schema {
  item: {
    id: Generated<number>;
    name: string;
    price: string;
    count: string;
    at: Date | null;
    extra: unknown;
  };
  part: { item_id: number; name: string };
}

type Db = Kysely<Schema>;

let cluster: Cluster;
let client: SchoolDb;
let pool: Pool;
let ours: Db;
let theirs: Db;

beforeAll(async () => {
  cluster = await startTestCluster({ replicas: 1 });
  const { database, user, password, ca, endpoints } = cluster;
  client = clientOf(cluster);
  ours = new Kysely<Schema>({ dialect: new SchoolDbDialect({ db: client }) });
  const { host, port } = endpoints.master;
  pool = new Pool({
    host,
    port,
    database,
    user,
    password,
    ssl: { ca, checkServerIdentity: () => undefined },
  });
  theirs = new Kysely<Schema>({ dialect: new PostgresDialect({ pool, cursor: Cursor }) });
});

afterAll(async () => {
  await client?.close();
  await theirs?.destroy();
  await cluster?.stop();
});

beforeEach(async () => {
  await sql`DROP TABLE IF EXISTS part, item; DROP PROCEDURE IF EXISTS nothing; DROP SEQUENCE IF EXISTS counter;
    CREATE TABLE item (id serial PRIMARY KEY, name text NOT NULL UNIQUE, price numeric(8, 2), count bigint, at timestamptz, extra jsonb);
    CREATE TABLE part (item_id integer REFERENCES item, name text);
    CREATE SEQUENCE counter; CREATE PROCEDURE nothing() LANGUAGE sql AS ''`.execute(theirs);
  await theirs
    .insertInto('item')
    .values([
      {
        name: 'chalk',
        price: '0.50',
        count: '9007199254740993',
        at: new Date(0),
        extra: '{"a":[1,{"b":null}]}',
      },
      { name: 'board', price: '199.99', count: '1', at: null, extra: null },
      { name: 'sponge', price: '1.00', count: '2', at: new Date(86_400_000), extra: '[]' },
    ])
    .execute();
  await sql`INSERT INTO part VALUES (1, 'box'), (1, 'stick'), (3, 'hole')`.execute(theirs);
  // Both begin in the same state, and ours sees it wherever it reads.
  await client.write('SELECT 1');
});

/** What became of it: results as they are, of errors what an app can tell them by. */
async function outcome(run: (db: Db) => Promise<unknown>, db: Db): Promise<unknown> {
  try {
    return { value: await run(db) };
  } catch (error) {
    const { code, constraint, table, column, severity, position, message, name } = error as Record<
      string,
      unknown
    >;
    return { error: { code, constraint, table, column, severity, position, message, name } };
  }
}

/** What changes something is taken back, so that both meet the same. */
const rolledBack = (run: (db: Db) => Promise<unknown>) => async (db: Db) => {
  let value: unknown;
  const taken = new Error('taken back');
  await db
    .transaction()
    .execute(async (trx) => {
      value = await run(trx);
      throw taken;
    })
    .catch((error: unknown) => {
      if (error !== taken) throw error;
    });
  return value;
};

const CASES: readonly (readonly [string, (db: Db) => Promise<unknown>])[] = [
  ['all rows, with the types of pg', (db) => db.selectFrom('item').selectAll().orderBy('id').execute()],
  ['no row', (db) => db.selectFrom('item').selectAll().where('id', '=', 99).execute()],
  ['the first', (db) => db.selectFrom('item').select('name').orderBy('id').executeTakeFirst()],
  ['the first of none', (db) => db.selectFrom('item').select('name').where('id', '=', 99).executeTakeFirst()],
  [
    'the first of none, or an error',
    (db) => db.selectFrom('item').select('name').where('id', '=', 99).executeTakeFirstOrThrow(),
  ],
  [
    'a join',
    (db) =>
      db
        .selectFrom('item')
        .innerJoin('part', 'part.item_id', 'item.id')
        .select(['item.name as item', 'part.name as part'])
        .orderBy('part')
        .execute(),
  ],
  [
    'aggregates',
    (db) =>
      db
        .selectFrom('item')
        .select(({ fn }) => [fn.countAll().as('n'), fn.sum('price').as('sum'), fn.max('at').as('at')])
        .execute(),
  ],
  [
    'jsonArrayFrom',
    (db) =>
      db
        .selectFrom('item')
        .select((eb) => [
          'name',
          jsonArrayFrom(
            eb.selectFrom('part').select('part.name').whereRef('item_id', '=', 'item.id').orderBy('name'),
          ).as('parts'),
        ])
        .orderBy('id')
        .execute(),
  ],
  [
    'jsonObjectFrom',
    (db) =>
      db
        .selectFrom('item')
        .select((eb) =>
          jsonObjectFrom(
            eb
              .selectFrom('part')
              .select('part.name')
              .whereRef('item_id', '=', 'item.id')
              .orderBy('name')
              .limit(1),
          ).as('part'),
        )
        .orderBy('id')
        .execute(),
  ],
  [
    'jsonBuildObject',
    (db) =>
      db
        .selectFrom('item')
        .select((eb) => jsonBuildObject({ n: eb.ref('name') }).as('o'))
        .orderBy('id')
        .execute(),
  ],
  [
    'a raw query',
    (db) =>
      sql`SELECT 1::int2 AS a, 2::int8 AS b, 3.5::float8 AS c, true AS d, '{1,2}'::int[] AS e, now() > 'epoch' AS f, '\\x00ff'::bytea AS g`.execute(
        db,
      ),
  ],
  ['two columns of one name', (db) => sql`SELECT 1 AS a, 2 AS a`.execute(db)],
  ['no column', (db) => sql`SELECT FROM item`.execute(db)],
  [
    'values of many types',
    (db) =>
      sql`SELECT ${1}::int AS a, ${'x'}::text AS b, ${true}::bool AS c, ${null}::text AS d, ${[1, 2]}::int[] AS e, ${{ a: 1 }}::jsonb AS f, ${Buffer.from('é')}::bytea AS g, ${new Date(0)}::timestamptz AS h, ${10n}::int8 AS i`.execute(
        db,
      ),
  ],
  [
    'insert',
    rolledBack((db) =>
      db.insertInto('item').values({ name: 'ink', price: '1', count: '1', at: null, extra: null }).execute(),
    ),
  ],
  [
    'insert, the first result',
    rolledBack((db) =>
      db
        .insertInto('item')
        .values([
          { name: 'ink', price: '1', count: '1', at: null, extra: null },
          { name: 'pen', price: '1', count: '1', at: null, extra: null },
        ])
        .executeTakeFirst(),
    ),
  ],
  [
    'insert, returning',
    rolledBack((db) =>
      db
        .insertInto('item')
        .values({ name: 'ink', price: '1', count: '1', at: null, extra: null })
        .returning(['name', 'price'])
        .execute(),
    ),
  ],
  [
    'insert, on conflict do nothing',
    rolledBack((db) =>
      db
        .insertInto('item')
        .values({ name: 'chalk', price: '1', count: '1', at: null, extra: null })
        .onConflict((oc) => oc.doNothing())
        .executeTakeFirst(),
    ),
  ],
  [
    'update',
    rolledBack((db) => db.updateTable('item').set({ price: '2' }).where('id', '<', 3).executeTakeFirst()),
  ],
  [
    'update of none',
    rolledBack((db) => db.updateTable('item').set({ price: '2' }).where('id', '=', 99).executeTakeFirst()),
  ],
  [
    'update, returning',
    rolledBack((db) =>
      db
        .updateTable('item')
        .set((eb) => ({ price: eb('price', '*', '2') }))
        .returning(['id', 'price'])
        .execute(),
    ),
  ],
  ['delete', rolledBack((db) => db.deleteFrom('part').executeTakeFirst())],
  [
    'merge',
    rolledBack((db) =>
      db
        .mergeInto('item')
        .using('part', 'part.item_id', 'item.id')
        .whenMatched()
        .thenDoNothing()
        .executeTakeFirst(),
    ),
  ],
  [
    'the raw result of an update',
    rolledBack((db) => db.executeQuery(db.updateTable('item').set({ price: '2' }).compile())),
  ],
  [
    'the raw result of a select',
    (db) => db.executeQuery(db.selectFrom('item').select('id').orderBy('id').compile()),
  ],
  ['the raw result of DDL', rolledBack((db) => sql`CREATE TABLE made (n integer)`.execute(db))],
  ['a raw INSERT', rolledBack((db) => sql`INSERT INTO part VALUES (2, 'leg')`.execute(db))],
  [
    'a CTE that writes',
    rolledBack((db) =>
      db
        .with('gone', (qc) => qc.deleteFrom('part').returning('name'))
        .selectFrom('gone')
        .selectAll()
        .orderBy('name')
        .execute(),
    ),
  ],
  [
    'for update',
    (db) =>
      db
        .transaction()
        .execute((trx) => trx.selectFrom('item').select('name').orderBy('id').forUpdate().execute()),
  ],
  ['several statements', (db) => sql`SELECT 1; SELECT 2`.execute(db)],
  ['several statements with a value', (db) => sql`SELECT ${1}::int; SELECT 2`.execute(db)],
  ['an empty text', (db) => sql``.execute(db)],
  ['CALL', (db) => sql`CALL nothing()`.execute(db)],
  ['DO', (db) => sql`DO $$ BEGIN PERFORM 1; END $$`.execute(db)],
  ['SHOW', (db) => sql`SHOW server_version_num`.execute(db)],
  ['explain', async (db) => Array.isArray(await db.selectFrom('item').selectAll().explain('json'))],
  [
    'explain analyze',
    async (db) =>
      Array.isArray(
        await db
          .selectFrom('item')
          .selectAll()
          .explain('text', sql`analyze`),
      ),
  ],
  [
    'a stream',
    async (db) => Array.fromAsync(db.selectFrom('item').select(['id', 'name']).orderBy('id').stream(2)),
  ],
  [
    'a stream of nothing',
    async (db) => Array.fromAsync(db.selectFrom('item').select('id').where('id', '=', 99).stream(2)),
  ],
  ['a stream that fails', async (db) => Array.fromAsync(db.selectNoFrom(sql`1 / 0`.as('n')).stream(2))],
  [
    'a unique violation',
    (db) =>
      db
        .insertInto('item')
        .values({ name: 'chalk', price: '1', count: '1', at: null, extra: null })
        .execute(),
  ],
  ['a foreign key violation', (db) => db.insertInto('part').values({ item_id: 99, name: 'x' }).execute()],
  [
    'a null that must not be',
    (db) =>
      db
        .insertInto('item')
        .values({ name: null as never, price: '1', count: '1', at: null, extra: null })
        .execute(),
  ],
  [
    'a table that is not there',
    (db) =>
      db
        .selectFrom('nothing' as 'item')
        .selectAll()
        .execute(),
  ],
  [
    'a column that is not there',
    (db) =>
      db
        .selectFrom('item')
        .select('nothing' as 'id')
        .execute(),
  ],
  ['a syntax error', (db) => sql`SELEKT 1`.execute(db)],
  ['a division by zero', (db) => sql`SELECT 1 / 0`.execute(db)],
  [
    'a value of the wrong type',
    (db) =>
      db
        .selectFrom('item')
        .selectAll()
        .where('id', '=', 'x' as never)
        .execute(),
  ],
  ['the introspection', (db) => db.introspection.getTables()],
  ['the schemas', (db) => db.introspection.getSchemas()],
  [
    'a transaction with savepoints',
    async (db) => {
      const trx = await db.startTransaction().setIsolationLevel('repeatable read').execute();
      await trx.deleteFrom('part').where('name', '=', 'box').execute();
      const inner = await trx.savepoint('a').execute();
      await inner.deleteFrom('part').execute();
      await inner.rollbackToSavepoint('a').execute();
      const left = await trx.selectFrom('part').select('name').orderBy('name').execute();
      await trx.rollback().execute();
      return { left, committed: trx.isCommitted, rolledBack: trx.isRolledBack };
    },
  ],
  ['a callback that throws', (db) => db.transaction().execute(() => Promise.reject(new Error('no')))],
];

describe('our dialect and that of Kysely', () => {
  it.each(CASES)('agree on %s', async (_what, run) => {
    expect(await outcome(run, ours)).toEqual(await outcome(run, theirs));
  });
});
