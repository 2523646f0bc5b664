/** An app's types, checked against the packed packages in an empty project of each kind. It is not run. */
import { createSchoolDb } from '@schooldb/client';
import { SchoolDbDialect } from '@schooldb/client/kysely';
import { Pool } from '@schooldb/client/pg';
import type pg from '@schooldb/client/pg';
import { startCluster } from '@schooldb/local-cluster';

const db = createSchoolDb();
const pool: pg.Pool = new Pool({ max: 5 });

export async function check(): Promise<number> {
  const { rows } = await db.query<{ n: number }>('SELECT 1 AS n');
  const { rowCount } = await pool.query('SELECT 1');
  // @ts-expect-error A method that does not exist.
  await db.queryy('SELECT 1');
  await using cluster = await startCluster();
  return rows[0]!.n + (rowCount ?? 0) + cluster.servers.length;
}

export const dialect = new SchoolDbDialect({ db });
