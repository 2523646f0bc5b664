import type { SchoolDb } from '@schooldb/client';
import { SchoolDbDialect } from '@schooldb/client/kysely';
import { Kysely } from 'kysely';
import { Migrator } from 'kysely/migration';
import { up as school } from './migrations/2026-09-01-school.ts';
import { up as live } from './migrations/2026-09-02-live.ts';

/** In this order, which is that of their names. What is here has run somewhere: it is never changed, only added to. */
const MIGRATIONS = {
  '2026-09-01-school': { up: school },
  '2026-09-02-live': { up: live },
};

/**
 * Brings the database up to date, all or nothing. Several processes may do so at the same time: one does, the others
 * wait.
 *
 * @returns the names of those that were missing.
 */
export async function migrate(db: SchoolDb): Promise<string[]> {
  const dialect = new SchoolDbDialect({ db, deadlineMs: 600_000 });
  const migrator = new Migrator({
    db: new Kysely<unknown>({ dialect }),
    provider: { getMigrations: async () => MIGRATIONS },
  });
  const { error, results = [] } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
  return results.map(({ migrationName }) => migrationName);
}
