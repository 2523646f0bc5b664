import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseLsn } from '../lsn.ts';
import type { PostgresServer } from './postgres-server.ts';
import type { Answer } from './choose-standby.ts';
import { waitFor } from '../../process/wait.ts';

/** Of a healthy server on loopback; a frozen one must not hold the others up. */
const ANSWER_MS = 2_000;

/** A slot of its own, so that a standby that is away for a while finds its WAL. */
export async function ensureSlot(primary: PostgresServer, name: string): Promise<void> {
  await primary.session(async (session) => {
    // One that fell behind max_slot_wal_keep_size is of no use to anybody any more.
    await session.query(
      "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1 AND wal_status = 'lost'",
      [name],
    );
    await session.query(
      `SELECT pg_create_physical_replication_slot($1, true)
        WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1)`,
      [name],
    );
  });
}

/** A standby that was primary must not keep WAL for servers that no longer stream from it. */
export async function dropSlots(standby: PostgresServer): Promise<void> {
  await standby.session(async (session) => {
    await session.query(
      'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active',
    );
  });
}

/** What a standby says of its own position; undefined when it does not answer. */
export async function askPosition(standby: PostgresServer): Promise<Answer | undefined> {
  if (standby.state !== 'running') return undefined;
  try {
    return await standby.session(
      async (session) => {
        const [row] = await session.query<Answer>(
          `SELECT pg_last_wal_receive_lsn()::text AS received, pg_last_wal_replay_lsn()::text AS replayed,
                  NOT EXISTS (SELECT FROM pg_stat_wal_receiver) AS disconnected`,
        );
        return row;
      },
      { timeoutMs: ANSWER_MS },
    );
  } catch {
    return undefined;
  }
}

/** The primary's own timeline; its control file would name the one before until the next checkpoint. */
export async function timelineOf(primary: PostgresServer): Promise<number> {
  const [row] = await primary.session((session) =>
    session.query<{ timeline: number }>(
      "SELECT ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int AS timeline",
    ),
  );
  return row?.timeline ?? 0;
}

/** Where the primary's timeline left the one before it; undefined on the first. */
export async function forkOf(primary: PostgresServer, timeline: number): Promise<bigint | undefined> {
  if (timeline <= 1) return undefined;
  const file = `${timeline.toString(16).toUpperCase().padStart(8, '0')}.history`;
  return lastSwitch(await readFile(join(primary.dataDirectory, 'pg_wal', file), 'utf8'));
}

/** The last switch point in a timeline history file: lines of timeline, position and reason. */
export function lastSwitch(history: string): bigint | undefined {
  const positions = history
    .split('\n')
    .flatMap((line) => /^\s*\d+\s+([0-9A-Fa-f]+\/[0-9A-Fa-f]+)/.exec(line)?.[1] ?? []);
  const last = positions.at(-1);
  return last === undefined ? undefined : parseLsn(last);
}

/** Ends a standby's recovery and returns as soon as it takes writes. */
export async function promote(standby: PostgresServer): Promise<void> {
  await standby.session(async (session) => {
    await session.query('SELECT pg_promote(wait => false)');
    // pg_promote's own waiting looks ten times a second.
    const done = await waitFor(
      async () => {
        const [row] = await session.query<{ recovering: boolean }>(
          'SELECT pg_is_in_recovery() AS recovering',
        );
        return row?.recovering === false;
      },
      { timeoutMs: 60_000, everyMs: 5 },
    );
    if (done === undefined) throw new Error(`${standby.name} does not end its recovery within 60000 ms`);
  });
}

/** Waits until the primary sees the standby streaming, and as one that confirms commits where it must. */
export async function awaitStreaming(
  primary: PostgresServer,
  names: readonly string[],
  { confirming, timeoutMs, signal }: { confirming: boolean; timeoutMs: number; signal: AbortSignal },
): Promise<boolean> {
  const seen = await primary.session(async (session) =>
    waitFor(
      async () => {
        const rows = await session.query<{ name: string }>(
          `SELECT DISTINCT application_name AS name FROM pg_stat_replication
              WHERE state = 'streaming' AND flush_lsn IS NOT NULL AND (NOT $1 OR sync_state IN ('sync', 'quorum'))`,
          [confirming],
        );
        return names.every((name) => rows.some((row) => row.name === name));
      },
      { timeoutMs, everyMs: 15, signal },
    ),
  );
  return seen === true;
}
