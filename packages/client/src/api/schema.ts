import { readFileSync } from 'node:fs';
import { quoteIdentifier } from '../wire/sql.ts';

/**
 * The SQL that installs the schema `schooldb`, or brings an older version of it up to date: commit slots for the
 * exactly-once commit, and the lineage of servers. For a superuser, once per database (as the database's owner all but
 * the lineage works in full); running it again changes nothing. Run it in one transaction.
 */
export function schemaSql(): string {
  return readFileSync(new URL('../../sql/schooldb.sql', import.meta.url), 'utf8');
}

/** The SQL that lets a role use what {@link schemaSql} has installed. */
export function schemaGrantSql(role: string): string {
  const name = quoteIdentifier(role);
  return [
    `GRANT USAGE ON SCHEMA schooldb TO ${name};`,
    `GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA schooldb TO ${name};`,
  ].join('\n');
}
