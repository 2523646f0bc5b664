/** Query builders that take a pool, or a module to get one from. */
import { createRequire } from 'node:module';
import dropIn, { Pool } from '@schooldb/client/pg';
import { useCluster } from '@schooldb/local-cluster/vitest';
import { asc, eq, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import knex from 'knex';
import type { Knex } from 'knex';
import { Kysely, PostgresDialect } from 'kysely';
import Cursor from 'pg-cursor';
import { DataSource, EntitySchema } from 'typeorm';
import { expect, it } from 'vitest';
import { CLUSTER, configOf, upTo, workThrough } from './support/through-failover.ts';

const cluster = useCluster(CLUSTER);

it('Drizzle: inserts, transactions with savepoints, typed reads', async () => {
  const termine = pgTable('drizzle_termine', { id: integer().primaryKey(), klasse: text().notNull() });
  const pool = new Pool(configOf(cluster));
  const db = drizzle(pool);
  await db.execute(sql`CREATE TABLE drizzle_termine (id integer PRIMARY KEY, klasse text NOT NULL)`);
  const last = await workThrough(cluster, (id) =>
    db.transaction(async (tx) => {
      await tx.insert(termine).values({ id, klasse: '10A' }).onConflictDoNothing();
      // A savepoint that fails takes nothing else with it.
      await expect(
        tx.transaction(async (inner) => {
          await inner.update(termine).set({ klasse: '10B' }).where(eq(termine.id, id));
          inner.rollback();
        }),
      ).rejects.toThrow();
    }),
  );
  const rows = await db.select().from(termine).orderBy(asc(termine.id));
  expect(rows).toEqual(upTo(last).map((id) => ({ id, klasse: '10A' })));
  // Not awaited: Drizzle never gives back a client whose BEGIN has failed, and pg-pool waits for it.
  void pool.end();
});

it("Kysely's own PostgresDialect: statements, transactions, streams", async () => {
  interface Schema {
    kysely_termine: { id: number; klasse: string };
  }
  const db = new Kysely<Schema>({
    dialect: new PostgresDialect({ pool: new Pool(configOf(cluster)), cursor: Cursor }),
  });
  await db.schema
    .createTable('kysely_termine')
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('klasse', 'text')
    .execute();
  const last = await workThrough(cluster, (id) =>
    db.transaction().execute(async (trx) => {
      await trx
        .insertInto('kysely_termine')
        .values({ id, klasse: '10A' })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    }),
  );
  const seen: number[] = [];
  for await (const { id } of db.selectFrom('kysely_termine').select('id').orderBy('id').stream(7))
    seen.push(id);
  expect(seen).toEqual(upTo(last));
  await db.destroy();
});

it('Knex: its client for PostgreSQL with another driver', async () => {
  // Its types leave the dialects out.
  const PostgresClient = createRequire(import.meta.url)(
    'knex/lib/dialects/postgres/index.js',
  ) as typeof Knex.Client;
  class DropInClient extends PostgresClient {
    _driver() {
      return dropIn;
    }
  }
  const { max, ...connection } = configOf(cluster);
  const db = knex({
    client: DropInClient,
    connection: connection as Knex.StaticConnectionConfig,
    pool: { min: 0, max },
  });
  await db.schema.createTable('knex_termine', (table) => {
    table.integer('id').primary();
    table.text('klasse');
  });
  const last = await workThrough(cluster, (id) =>
    db.transaction(async (trx) => {
      await trx('knex_termine').insert({ id, klasse: '10A' }).onConflict('id').ignore();
    }),
  );
  const rows = await db<{ id: number }>('knex_termine').select('id').orderBy('id');
  expect(rows.map(({ id }) => id)).toEqual(upTo(last));
  await db.destroy();
});

it('TypeORM: a data source with another driver', async () => {
  const Termin = new EntitySchema<{ id: number; klasse: string }>({
    name: 'typeorm_termin',
    columns: { id: { type: 'integer', primary: true }, klasse: { type: 'text' } },
  });
  const { host, port, database, user, password, ssl } = configOf(cluster);
  const source = await new DataSource({
    type: 'postgres',
    driver: dropIn,
    host: host!,
    port: port!,
    database: database!,
    username: user!,
    password: password as string,
    ssl: ssl as { ca: string },
    entities: [Termin],
    synchronize: true,
  }).initialize();
  const last = await workThrough(cluster, (id) =>
    source.transaction(async (manager) => {
      await manager.getRepository(Termin).save({ id, klasse: '10A' });
    }),
  );
  const rows = await source.getRepository(Termin).find({ order: { id: 'ASC' } });
  expect(rows).toEqual(upTo(last).map((id) => ({ id, klasse: '10A' })));
  await source.destroy();
});
