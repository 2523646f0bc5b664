import { randomBytes } from 'node:crypto';
import { openMaster, reasonOf, whereIs } from '../bed/open-master.ts';
import type { PlainConnection } from '../drivers/plain-connection.ts';
import type { Target } from '../drivers/target.ts';
import { seedTestdaten } from '../seed/testdaten.ts';
import { TargetError } from '../bed/target-error.ts';

/** What a run made in the database, and found there. */
export interface Prepared {
  ledger: string;
  /** The outage observer's own. */
  beat: string;
  /** True when `testdaten` was made by this run. */
  seeded: boolean;
  /** Whether the schema that exactly-once needs is installed. */
  exactlyOnce: boolean;
  timeline: number;
  server: ServerSettings;
}

export interface ServerSettings {
  version: string;
  synchronousCommit: string;
  synchronousStandbyNames: string;
  maxConnections: number;
}

export interface SeedOptions {
  /** False where the load does not need `testdaten`. */
  wanted: boolean;
  rows: number;
  seed: number;
}

const FACTS = `
  select current_setting('server_version') as version,
         current_setting('synchronous_commit') as "synchronousCommit",
         current_setting('synchronous_standby_names') as "synchronousStandbyNames",
         current_setting('max_connections')::int as "maxConnections",
         to_regnamespace('schooldb') is not null as "exactlyOnce",
         to_regclass('testdaten') is not null as "hasTestdaten"`;

/** What the tables of any run are called, as a regular expression of PostgreSQL's. */
export const TABLE_NAMES = '^schooldb_loadgen_[0-9a-f]{8}_(ledger|beat)$';

/**
 * Creates the run's own tables, fresh, under names that no other run has.
 *
 * @param owner - what their comment says, by which {@link dropAbandoned} knows them.
 */
export async function prepareTables(target: Target, seeding: SeedOptions, owner?: string): Promise<Prepared> {
  const connection = await openMaster(target);
  try {
    const { exactlyOnce, hasTestdaten, ...server } = (await connection.query(FACTS))
      .rows[0] as unknown as ServerSettings & {
      exactlyOnce: boolean;
      hasTestdaten: boolean;
    };
    const run = randomBytes(4).toString('hex');
    const ledger = `schooldb_loadgen_${run}_ledger`;
    const beat = `schooldb_loadgen_${run}_beat`;
    // As one: a run that is killed leaves no table behind that does not say whose it is.
    await connection.query('begin');
    // No key: it would hide a write that was done twice. The timeline says which primary a row was written on.
    await connection.query(`create table ${ledger} (
      client integer not null, seq integer not null,
      timeline text not null default substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8),
      at timestamptz not null default clock_timestamp())`);
    await connection.query(`create index on ${ledger} (client, seq)`);
    await connection.query(`create table ${beat} (at timestamptz not null default clock_timestamp())`);
    if (owner !== undefined)
      for (const table of [ledger, beat])
        await connection.query(`comment on table ${table} is '${owner.replaceAll("'", "''")}'`);
    await connection.query('commit');
    const seeded = seeding.wanted && !hasTestdaten;
    if (seeded) await seedTestdaten(connection, seeding.rows, seeding.seed);
    return { ledger, beat, seeded, exactlyOnce, timeline: await timelineOf(connection), server };
  } catch (error) {
    throw new TargetError(`cannot prepare ${whereIs(target)}: ${reasonOf(error)}`, { cause: error });
  } finally {
    connection.destroy();
  }
}

/** Drops what {@link prepareTables} made and nothing else. */
export async function dropTables(target: Target, { ledger, beat, seeded }: Prepared): Promise<void> {
  const connection = await openMaster(target);
  try {
    await connection.query(`drop table ${ledger}, ${beat}${seeded ? ', testdaten' : ''}`);
  } finally {
    connection.destroy();
  }
}

/** PostgreSQL's own count of promotions: each raises it by one. */
export async function timelineOf(connection: PlainConnection): Promise<number> {
  const { rows } = await connection.query(
    `select ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int as timeline`,
  );
  return Number(rows[0]!['timeline']);
}
