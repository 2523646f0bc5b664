/**
 * Every text that the client itself sends. All names are qualified: the app's `search_path` must not change what they
 * mean.
 */

/** The timeline that a primary writes; fails on a standby. */
const TIMELINE = `('x' || pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 8))::bit(32)::integer`;

/** Who is there: asked on each new connection, directly and through a pooler. Answers with one {@link IdentityRow}. */
export const IDENTIFY = `
SELECT pg_catalog.pg_is_in_recovery() AS standby,
  (SELECT system_identifier::text FROM pg_catalog.pg_control_system()) AS system_id,
  CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN
    ${TIMELINE}
  END AS timeline,
  pg_catalog.concat_ws(' ', pg_catalog.inet_server_port(),
    extract(epoch FROM pg_catalog.pg_postmaster_start_time())) AS server,
  extract(epoch FROM pg_catalog.clock_timestamp())::double precision AS server_time,
  (SELECT backend_start::text FROM pg_catalog.pg_stat_activity WHERE pid = pg_catalog.pg_backend_pid()) AS backend_start,
  (SELECT count(*) = 2 FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = 'schooldb' AND p.proname IN ('mark', 'settle')
      AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
      AND pg_catalog.has_function_privilege(p.oid, 'EXECUTE')) AS has_commit_slots,
  (SELECT count(*) = 1 FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = 'schooldb' AND p.proname = 'lineage'
      AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
      AND pg_catalog.has_function_privilege(p.oid, 'EXECUTE')) AS has_lineage`;

export interface IdentityRow {
  readonly standby: boolean;
  readonly system_id: string;
  /** Null on a standby. */
  readonly timeline: number | null;
  /** Port and start time: tells one running server from another behind the same address. */
  readonly server: string;
  /** In seconds since 1970. */
  readonly server_time: number;
  readonly backend_start: string;
  readonly has_commit_slots: boolean;
  readonly has_lineage: boolean;
}

/**
 * So that no ghost of ours holds locks for hours after we are gone (PostgreSQL manual, "Connection Settings" and
 * "Statement Behavior"). Each on its own: a server on another operating system may refuse one of them. For direct
 * connections only: behind a pooler they would stay with whoever comes next.
 */
export function hygieneTexts(idleInTransactionMs: number | false): string[] {
  const texts = [`SET client_connection_check_interval = '5s'`, `SET tcp_user_timeout = '10s'`];
  if (idleInTransactionMs === false) return texts;
  return [...texts, `SET idle_in_transaction_session_timeout = ${Math.round(idleInTransactionMs)}`];
}

/** Whether the server is a standby now. Answers with `standby`. */
export const ASK_STANDBY = 'SELECT pg_catalog.pg_is_in_recovery() AS standby';

/**
 * Which of these backends of ours are at work; values: an array of process ids. Where the server does not keep track
 * (`track_activities` off) it counts as being at work.
 */
export const ASK_ACTIVE = `
SELECT pid FROM pg_catalog.pg_stat_activity
WHERE pid = ANY($1::integer[]) AND (state IS NULL OR state IN ('active', 'fastpath function call', 'disabled'))`;

/** Locks if nobody else holds it, and says so in `locked`; value: the key. */
export const TRY_LOCK = 'SELECT pg_catalog.pg_try_advisory_lock($1) AS locked';

/** Waits for the lock, within `lock_timeout`; value: the key. */
export const LOCK = 'SELECT pg_catalog.pg_advisory_lock($1)';

/** Says in `unlocked` whether the session held the lock; value: the key. */
export const UNLOCK = 'SELECT pg_catalog.pg_advisory_unlock($1) AS unlocked';

/** @param ms - 1 or more: 0 would mean for ever. */
export function lockTimeoutText(ms: number): string {
  return `SET lock_timeout = ${Math.max(1, Math.round(ms))}`;
}

export const RESET_LOCK_TIMEOUT = 'RESET lock_timeout';

/** PostgreSQL manual, "LISTEN". A channel is an identifier: quoted, it keeps its capitals and whatever else it holds. */
export function listenText(channel: string): string {
  return `LISTEN ${quoteIdentifier(channel)}`;
}

export function unlistenText(channel: string): string {
  return `UNLISTEN ${quoteIdentifier(channel)}`;
}

/** PostgreSQL manual, "Lexical Structure": a quote within a quoted identifier is written twice. */
export function quoteIdentifier(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}
/**
 * Where the primary stands: asked behind a commit, everything up to it. What is on the disk is enough, and a standby
 * gets there sooner, unless the session does not wait for its disk. Answers with one {@link PositionRow}.
 */
export const POSITION_FLUSHED = `
SELECT (CASE pg_catalog.current_setting('synchronous_commit') WHEN 'off' THEN pg_catalog.pg_current_wal_insert_lsn()
    ELSE pg_catalog.pg_current_wal_flush_lsn() END - '0/0'::pg_lsn)::text AS lsn, ${TIMELINE} AS timeline`;

/**
 * As {@link POSITION_FLUSHED}, behind a read: commits that somebody did not wait for can be seen before they are on
 * the disk.
 */
export const POSITION_INSERTED = `
SELECT (pg_catalog.pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::text AS lsn, ${TIMELINE} AS timeline`;

/** How far a standby has replayed. Answers with one {@link PositionRow} without a timeline. */
export const ASK_REPLAYED = `SELECT (pg_catalog.pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::text AS lsn`;

/** As {@link ASK_REPLAYED}, with the timeline that it streams: null where it streams none, or is no standby. */
export const ASK_REPLAYED_AND_LINEAGE = `
SELECT (pg_catalog.pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::text AS lsn,
  CASE WHEN l.in_recovery THEN l.timeline END AS timeline FROM schooldb.lineage() AS l`;

export interface PositionRow {
  readonly lsn: string | null;
  readonly timeline?: number | null;
}

/**
 * Begins a transaction in which each statement sees what is there when it begins, whatever the session's default: one
 * that is asked first may then vouch for those that follow.
 */
export const BEGIN_READ_BY_READ = 'BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY';

/** Costs a server nothing and shows that it lives. */
export const PROBE = 'SELECT 1';

/**
 * Asks a session that is lent for a sign of life. An empty statement takes no snapshot: whoever is about to set the
 * isolation of a transaction, or to count on its moment, is not disturbed.
 */
export const HEARTBEAT = '';

/**
 * Fails unless it runs on the primary of this cluster, on this timeline or a later one. A pooler may attach each
 * transaction to another server, so the transaction itself must ask. The failing cast is the only way to an error
 * that needs no function of ours; `concat` keeps the planner from evaluating it beforehand.
 */
export function guardText(systemId: string, timeline: number): string {
  return `
SELECT CASE WHEN NOT pg_catalog.pg_is_in_recovery()
    AND (SELECT system_identifier::text FROM pg_catalog.pg_control_system()) = '${BigInt(systemId)}'
    AND ${TIMELINE} >= ${timeline}
  THEN true
  ELSE pg_catalog.concat('schooldb: not the primary, or an older one', pg_catalog.pg_backend_pid())::boolean END`;
}

/** How a transaction is begun. What is not given is as the server's settings say. */
export interface TransactionMode {
  readonly isolation?: 'read committed' | 'repeatable read' | 'serializable' | undefined;
  readonly access?: 'read write' | 'read only' | undefined;
}

/** PostgreSQL manual, "BEGIN". */
export function beginText({ isolation, access }: TransactionMode): string {
  const level = isolation === undefined ? '' : ` ISOLATION LEVEL ${isolation.toUpperCase()}`;
  return `BEGIN${level}${access === undefined ? '' : ` ${access.toUpperCase()}`}`;
}

export function savepointText(name: string): string {
  return `SAVEPOINT ${name}`;
}

export function releaseText(savepoint: string): string {
  return `RELEASE SAVEPOINT ${savepoint}`;
}

/** Takes back what was done since, and forgets the savepoint. */
export function rollBackToText(savepoint: string): string {
  return `ROLLBACK TO SAVEPOINT ${savepoint}; RELEASE SAVEPOINT ${savepoint}`;
}

/** Marks the transaction it runs in; values: slot, seq. */
export const MARK = 'SELECT schooldb.mark($1, $2)';

/** The mark and COMMIT in one message. */
export function markAndCommitText(slot: string, seq: number): string {
  return `SELECT schooldb.mark('${slot}', ${seq}); COMMIT`;
}

/** Asks whether an attempt committed, and makes a 'no' final. Its third result holds `committed`, its last COMMIT. */
export function settleText(slot: string, seq: number): string {
  return `BEGIN; SET LOCAL synchronous_commit = on; SELECT schooldb.settle('${slot}', ${seq}) AS committed; COMMIT`;
}

/** Ends a backend of ours that sits in an open transaction; values: process id, its start. */
export const END_GHOST = `
SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity
WHERE pid = $1 AND backend_start::text = $2 AND state LIKE 'idle in transaction%'`;

/** Cancels what a backend of ours is at; values: process id, its start. */
export const CANCEL_BACKEND = `
SELECT pg_catalog.pg_cancel_backend(pid) FROM pg_catalog.pg_stat_activity
WHERE pid = $1 AND backend_start::text = $2 AND state = 'active'`;
