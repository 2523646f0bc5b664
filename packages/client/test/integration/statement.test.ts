/** What is said of statements, held against a real standby. */
import { readFile } from 'node:fs/promises';
import type { Cluster } from '@schooldb/local-cluster';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { catalogFunctions, HARMLESS_VOLATILE, safeNames, sourceOf } from '../../scripts/builtin-functions.ts';
import { BUILTIN_FUNCTIONS } from '../../src/router/builtin-functions.ts';
import { StatementParser } from '../../src/router/statement.ts';
import { CORPUS, CORPUS_SCHEMA } from '../support/statement-corpus.ts';
import { startTestCluster, until } from '../support/with-cluster.ts';

const parser = new StatementParser();
let cluster: Cluster;

beforeAll(async () => {
  cluster = await startTestCluster({ replicas: 1, initSql: CORPUS_SCHEMA, promoteAfterMs: false });
  await until('the replica address leads to a standby', () => onStandby(isStandby).catch(() => false));
});

afterAll(() => cluster?.stop());

async function onStandby<Result>(use: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const { database, user, password, ca } = cluster;
  if (cluster.endpoints.replica === undefined) throw new Error('the cluster has no replica address');
  const target = { ...cluster.endpoints.replica, database, user, password, ssl: { ca } };
  const client = new pg.Client({ ...target, statement_timeout: 10_000 });
  // A text may end its own connection.
  client.on('error', () => {});
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

async function isStandby(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ standby: boolean }>('SELECT pg_is_in_recovery() AS standby');
  return rows[0]?.standby === true;
}

/** Corpus and list of functions are made for this major; what they say must hold on the others as well. */
const onItsMajor = (process.env['SCHOOLDB_POSTGRES_VERSION'] ?? '16') === '16';
/** Syntax and functions that another major does not have. */
const UNKNOWN_TO_OTHERS = ['42601', '42883'];

/** `timezone(text, timetz)` looks at the clock, which made it volatile until PostgreSQL 14. */
const HARMLESS_ON_OTHERS = ['timezone'];

/** The SQLSTATE with which the server answers; undefined when the text has worked. */
async function failureOf(client: pg.Client, text: string): Promise<string | undefined> {
  return client.query(text).then(
    () => undefined,
    (error: unknown) => (error as { code?: string }).code ?? String(error),
  );
}

/** All that the server keeps for the session, apart from what looking at it takes. */
async function sessionState(client: pg.Client): Promise<unknown> {
  const { rows } = await client.query(`
    SELECT (SELECT jsonb_object_agg(name, setting) FROM pg_settings) AS settings,
           (SELECT count(*)::int FROM pg_locks
             WHERE pid = pg_backend_pid() AND locktype NOT IN ('relation', 'virtualxid')) AS locks,
           (SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory') AS advisory,
           ARRAY(SELECT pg_listening_channels()) AS channels,
           ARRAY(SELECT name FROM pg_cursors) AS cursors,
           ARRAY(SELECT name FROM pg_prepared_statements) AS prepared,
           pg_my_temp_schema() AS temp`);
  return rows[0];
}

describe('on a standby', () => {
  it('every text that is said to be read only runs, and leaves the session as it was', () =>
    onStandby(async (client) => {
      const before = await sessionState(client);
      const failures: Record<string, string | undefined> = {};
      for (const text of CORPUS.filter(({ expected }) => expected.readOnly).flatMap(({ texts }) => texts)) {
        if (!(await parser.traits(text)).readOnly) throw new Error(`not read only: ${text}`);
        const failure = await failureOf(client, text.replaceAll('$1', '1'));
        const unknownYet = !onItsMajor && UNKNOWN_TO_OTHERS.includes(failure ?? '');
        if (failure !== undefined && !unknownYet) failures[text] = failure;
        expect({ text, state: await sessionState(client) }).toEqual({ text, state: before });
      }
      expect(failures).toEqual({});
    }));

  it('no text is refused as a write (25006) that is said to be read only', async () => {
    let refused = 0;
    // pg would end the message at the NUL, and wait for the answer to another one.
    for (const text of CORPUS.flatMap(({ texts }) => texts).filter((text) => !text.includes('\0'))) {
      if ((await onStandby((client) => failureOf(client, text))) !== '25006') continue;
      refused += 1;
      expect({ text, readOnly: (await parser.traits(text)).readOnly }).toEqual({ text, readOnly: false });
    }
    expect(refused).toBeGreaterThan(50);
  });

  it('every listed function without arguments runs, and leaves the session as it was', () =>
    onStandby(async (client) => {
      const before = await sessionState(client);
      const { rows } = await client.query<{ name: string }>(
        `SELECT DISTINCT proname AS name FROM pg_proc
          WHERE pronamespace = 'pg_catalog'::regnamespace AND pronargs = 0 AND prokind = 'f' AND proname = ANY ($1)`,
        [[...BUILTIN_FUNCTIONS]],
      );
      expect(rows.length).toBeGreaterThan(30);
      const failures: Record<string, string> = {};
      for (const { name } of rows) {
        const failure = await failureOf(client, `SELECT pg_catalog.${name}()`);
        if (failure !== undefined) failures[name] = failure;
      }
      // For superusers only: insufficient_privilege.
      expect(failures).toEqual({ pg_config: '42501' });
      expect(await sessionState(client)).toEqual(before);
    }));
});

describe('the list of built-in functions', () => {
  const itOnItsMajor = onItsMajor ? it : () => undefined;

  itOnItsMajor('is what scripts/builtin-functions.ts derives from this server', () =>
    onStandby(async (client) => {
      const file = new URL('../../src/router/builtin-functions.ts', import.meta.url);
      expect(await readFile(file, 'utf8')).toBe(sourceOf(safeNames(await catalogFunctions(client))));
    }),
  );

  it('names no function with a volatile overload, but for those known to be harmless', () =>
    onStandby(async (client) => {
      const { rows } = await client.query<{ name: string; volatile: boolean }>(
        `SELECT proname AS name, bool_or(provolatile = 'v') AS volatile FROM pg_proc
          WHERE pronamespace = 'pg_catalog'::regnamespace AND proname = ANY ($1) GROUP BY 1`,
        [[...BUILTIN_FUNCTIONS]],
      );
      // Derived from this very list on its own major, so all of them exist there.
      expect(rows.length).toBeGreaterThan(BUILTIN_FUNCTIONS.size / 2);
      const volatile = rows.filter((row) => row.volatile).map(({ name }) => name);
      const harmless = [...HARMLESS_VOLATILE, ...(onItsMajor ? [] : HARMLESS_ON_OTHERS)];
      expect(volatile.filter((name) => !harmless.includes(name))).toEqual([]);
    }));

  it('leaves out what has effects that a standby would not refuse, or that belong to a session', () => {
    const dangerous = `
      nextval currval lastval setval set_config setseed pg_notify pg_export_snapshot
      pg_advisory_lock pg_try_advisory_lock_shared pg_advisory_unlock_all pg_advisory_xact_lock
      lo_unlink lo_get loread lowrite lo_import lo_export pg_read_file pg_ls_dir
      pg_terminate_backend pg_cancel_backend pg_reload_conf pg_rotate_logfile pg_promote
      pg_switch_wal pg_wal_replay_pause pg_wal_replay_resume pg_create_restore_point
      pg_backup_start pg_logical_emit_message pg_logical_slot_get_changes
      pg_replication_origin_create pg_stat_reset txid_current pg_current_xact_id query_to_xml
      table_to_xml cursor_to_xml ts_stat ts_rewrite pg_create_physical_replication_slot
      pg_drop_replication_slot pg_stat_clear_snapshot pg_import_system_collations
      brin_summarize_range gin_clean_pending_list pg_backend_pid
    `;
    expect(dangerous.split(/\s+/).filter((name) => BUILTIN_FUNCTIONS.has(name))).toEqual([]);
  });
});
