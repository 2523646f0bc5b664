/**
 * Queries are built here by Kysely, which checks their types, and run by a session of the client, which knows what
 * its user has written, or by a transaction of it. `db.kysely` does both for apps that need no sessions.
 */
import type { Session, Transaction } from '@schooldb/client';
import {
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  sql,
} from 'kysely';
import type { Compilable, RawBuilder } from 'kysely';
import type { KlaTab } from './schema.ts';

/** Builds queries, and can run none. */
export const query = new Kysely<KlaTab>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (kysely) => new PostgresIntrospector(kysely),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
});

/** What runs queries: a session, or a transaction. */
export type Database = Pick<Session | Transaction, 'query'>;

export async function allOf<Row>(database: Database, built: Compilable<Row>): Promise<Row[]> {
  const { sql: text, parameters } = built.compile();
  const { rows } = await database.query(text, parameters);
  return rows as Row[];
}

export async function firstOf<Row>(database: Database, built: Compilable<Row>): Promise<Row | undefined> {
  const [row] = await allOf(database, built);
  return row;
}

/** A column of days as text: `2026-11-25`. */
export function day(column: string): RawBuilder<string> {
  return sql<string>`${sql.ref(column)}::text`;
}

/** Reads from the primary, for what must be the very newest: it is waited for, also during a failover. */
export function fromPrimary(session: Session): Database {
  return {
    query: (text: string, values?: readonly unknown[]) => session.write(text, values, { safety: 'read' }),
  } as Database;
}
