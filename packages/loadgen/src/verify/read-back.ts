import { APPLICATION_NAME, observing } from '../bed/bed.ts';
import type { Bed } from '../bed/bed.ts';
import { describeError } from '../drivers/pg-failure.ts';
import { PlainConnection } from '../drivers/plain-connection.ts';
import { epochMs } from '../measure/clock.ts';
import { pause, within } from '../measure/pause.ts';
import type { StoredWrite, WriteRecord } from './checker.ts';
import { readHistory } from './history.ts';

const STATUS_LIMIT_MS = 10_000;
const TRY_AGAIN_MS = 200;
/** How long statements of the ended load may still be at work before the table is read regardless. */
const SETTLE_LIMIT_MS = 10_000;

/**
 * Waits until exactly one primary answers and returns a connection to it through the master address.
 *
 * @throws Error saying what was missing when the limit has passed.
 */
export async function awaitPrimary(bed: Bed, limitMs: number): Promise<PlainConnection> {
  const until = epochMs() + limitMs;
  for (;;) {
    const attempt = await connectToOnlyPrimary(bed);
    if (typeof attempt !== 'string') return attempt;
    if (epochMs() > until) throw new Error(`${attempt}, for ${limitMs} ms`);
    await pause(TRY_AGAIN_MS);
  }
}

/** The connection, or why there is none. */
async function connectToOnlyPrimary({ cluster, target }: Bed): Promise<PlainConnection | string> {
  if (cluster !== null) {
    const { servers, blocked } = await within(STATUS_LIMIT_MS, 'asking the cluster', cluster.status());
    const primaries = servers.filter(({ role }) => role === 'primary').map(({ name }) => name);
    if (primaries.length === 0)
      return blocked === null ? 'no server is primary' : `no server is primary: ${blocked}`;
    if (primaries.length > 1) return `${primaries.join(' and ')} are both primary`;
  }
  let connection: PlainConnection | null = null;
  try {
    connection = await PlainConnection.open({ ...observing(target), connectTimeoutMs: 2_000 });
    const { rows } = await connection.query('select pg_is_in_recovery() as standby');
    if (rows[0]?.['standby'] === false) return connection;
    connection.destroy();
    return 'the master address leads to a standby';
  } catch (error) {
    connection?.destroy();
    return `the master address does not answer: ${describeError(error).message}`;
  }
}

/** Waits for statements of the load that the server still works on: their rows would appear after the count. */
export async function awaitSilence(connection: PlainConnection): Promise<void> {
  const until = epochMs() + SETTLE_LIMIT_MS;
  for (;;) {
    const { rows } = await connection.query(
      'select count(*)::int as n from pg_stat_activity where application_name = $1',
      [APPLICATION_NAME],
    );
    if (rows[0]!['n'] === 0 || epochMs() > until) return;
    await pause(TRY_AGAIN_MS);
  }
}

/** Everything that the ledger holds. */
export async function readStored(connection: PlainConnection, table: string): Promise<StoredWrite[]> {
  const { rows } = await connection.query(
    `select client, seq, count(*)::int as copies, array_agg(distinct timeline order by timeline) as timelines
       from ${table} group by client, seq`,
  );
  return rows as unknown as StoredWrite[];
}

/** Joins the history's invocations and answers: one record for each write. */
export async function readWrites(history: number): Promise<WriteRecord[]> {
  const writes = new Map<string, WriteRecord>();
  for await (const entry of readHistory(history)) {
    if (entry.f !== 'write') continue;
    const { client, seq, at } = entry;
    const outcome = entry.type === 'invoke' ? null : entry.type;
    const error = entry.type !== 'invoke' && entry.error !== undefined ? { error: entry.error } : {};
    writes.set(`${client}:${seq}`, { client, seq, at, outcome, ...error });
  }
  return [...writes.values()];
}
