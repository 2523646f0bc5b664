import { readFileSync } from 'node:fs';

/**
 * The SQL that installs the schema `schooldb`, which the exactly-once commit needs. For the database's owner or a
 * superuser, once per database; running it again changes nothing.
 */
export function schemaSql(): string {
  return readFileSync(new URL('../../sql/schooldb.sql', import.meta.url), 'utf8');
}

/** The SQL that lets a role use what {@link schemaSql} has installed. */
export function schemaGrantSql(role: string): string {
  const name = quoted(role);
  return [
    `GRANT USAGE ON SCHEMA schooldb TO ${name};`,
    `GRANT EXECUTE ON FUNCTION schooldb.mark(uuid, bigint), schooldb.settle(uuid, bigint) TO ${name};`,
  ].join('\n');
}

/** PostgreSQL manual, "Lexical Structure": a quote within a quoted identifier is written twice. */
function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}
