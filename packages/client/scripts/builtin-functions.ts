/**
 * Writes src/router/builtin-functions.ts: the built-in functions that may run on a standby and be repeated, derived
 * from pg_proc of a real server (the PostgreSQL 16 of the local cluster). To be run again when that version changes:
 * `node packages/client/scripts/builtin-functions.ts`.
 */
import { writeFile } from 'node:fs/promises';
import { startCluster } from '@schooldb/local-cluster';
import pg from 'pg';

/** A function of pg_catalog, all its overloads together. */
export interface CatalogFunction {
  readonly name: string;
  /** The volatilities of its overloads: some of `i`, `s` and `v`. */
  readonly volatilities: readonly string[];
  /** It is a trigger, a handler, or takes or gives what SQL has no values of. */
  readonly internal: boolean;
}

/**
 * Volatile because their answers differ, or because they look at files of the server; they change nothing, and a
 * standby answers them.
 */
export const HARMLESS_VOLATILE: ReadonlySet<string> = new Set([
  'array_sample',
  'array_shuffle',
  'clock_timestamp',
  'current_query',
  'gen_random_uuid',
  'pg_database_size',
  'pg_indexes_size',
  'pg_partition_ancestors',
  'pg_partition_tree',
  'pg_relation_size',
  'pg_sleep',
  'pg_sleep_for',
  'pg_sleep_until',
  'pg_table_size',
  'pg_tablespace_size',
  'pg_total_relation_size',
  'random',
  'random_normal',
  'timeofday',
]);

/** Not volatile in the catalog, and yet not to be sent just anywhere. */
const EXCLUDED: readonly { readonly names: RegExp; readonly why: string }[] = [
  { names: /^(?:txid_current|pg_current_xact_id)(?:_if_assigned)?$/, why: 'assign or tell a transaction id' },
  { names: /^pg_walfile_name/, why: 'fail during recovery' },
  { names: /_to_xml(?:schema|_and_xmlschema)?$/, why: 'read what a text names: tables, queries, cursors' },
  { names: /^pg_(?:listening_channels|cursor|prepared_statement)$/, why: 'tell the state of one session' },
  {
    names: /^pg_(?:backend_pid|my_temp_schema|is_other_temp_schema)$/,
    why: 'tell the identity of one session',
  },
  { names: /^pg_event_trigger_/, why: 'mean something in event triggers only' },
  // None of these is stable in PostgreSQL 16; should a later one call them so, they stay out all the same.
  {
    names: /^(?:lo_|lo(?:read|write)$|binary_upgrade_|dblink|query_|pg_(?:read|ls|stat_reset)_)/,
    why: 'effects',
  },
  {
    names: /^pg_(?:advisory|try_advisory|logical|replication_origin|create|drop|wal|backup|notify)/,
    why: 'effects',
  },
  { names: /^(?:nextval|currval|lastval|setval|setseed|set_config)$/, why: 'sequences, settings' },
];

/** The names that ship, in order. */
export function safeNames(functions: readonly CatalogFunction[]): string[] {
  return functions
    .filter(({ internal, name }) => !internal && !EXCLUDED.some(({ names }) => names.test(name)))
    .filter(({ name, volatilities }) => HARMLESS_VOLATILE.has(name) || !volatilities.includes('v'))
    .map(({ name }) => name)
    .sort();
}

export async function catalogFunctions(client: pg.Client): Promise<CatalogFunction[]> {
  const { rows } = await client.query<CatalogFunction>(`
    SELECT proname AS name,
           array_agg(DISTINCT provolatile::text) AS volatilities,
           bool_or(ARRAY[prorettype, 0] && hidden OR proargtypes::oid[] && hidden) AS internal
      FROM pg_proc,
           (SELECT array_agg(oid) AS hidden FROM pg_type
             WHERE typnamespace = 'pg_catalog'::regnamespace
               AND (typname IN ('internal', 'cstring', 'trigger', 'event_trigger') OR typname LIKE '%\\_handler')) h
     WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind <> 'p'
     GROUP BY 1`);
  return rows;
}

/** The content of the file that is written. */
export function sourceOf(names: readonly string[]): string {
  const lines = [''];
  for (const name of names) {
    const last = lines.at(-1) ?? '';
    if (last.length + name.length > 100) lines.push(name);
    else lines[lines.length - 1] = last === '' ? name : `${last} ${name}`;
  }
  return `/**
 * The built-in functions of PostgreSQL 16 that may run on a standby and be repeated.
 * Written by scripts/builtin-functions.ts: change the rules there, not the names here.
 */
export const BUILTIN_FUNCTIONS: ReadonlySet<string> = new Set(
  \`
${lines.map((line) => `    ${line}`).join('\n')}
  \`
    .trim()
    .split(/\\s+/),
);
`;
}

if (import.meta.main) {
  const cluster = await startCluster({ replicas: 0, poolers: false });
  try {
    const { database, user, password, ca } = cluster;
    const client = new pg.Client({ ...cluster.endpoints.master, database, user, password, ssl: { ca } });
    await client.connect();
    const names = safeNames(await catalogFunctions(client));
    await client.end();
    await writeFile(new URL('../src/router/builtin-functions.ts', import.meta.url), sourceOf(names));
    console.log(`${names.length} functions`);
  } finally {
    await cluster.stop();
  }
}
