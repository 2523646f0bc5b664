import type { QueryResult as KyselyResult } from 'kysely';
import type { QueryResult } from 'pg';

/** What a text of several statements gives: pg has a result for each, and Kysely's own dialect reads none of them. */
export const NO_RESULT: QueryResult = { command: '', rowCount: null, oid: 0, fields: [], rows: [] };

const COUNTS_ROWS: ReadonlySet<string> = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE']);

/** Exactly as Kysely's PostgresDialect has it. */
export function resultOf<Row>({ command, rowCount, rows }: QueryResult): KyselyResult<Row> {
  if (command === 'COMMIT' || command === 'ROLLBACK') return { rows: [{ command }] as Row[] };
  if (!COUNTS_ROWS.has(command)) return { rows: rows as Row[] };
  return { numAffectedRows: BigInt(rowCount ?? 0), rows: rows as Row[] };
}
