/** Write, read, and be refused, at each of the four addresses. */
import { setTimeout as pause } from 'node:timers/promises';
import type { LeasedConnection, SchoolDb } from '@schooldb/client';
import { failed, ok } from './check.ts';
import type { Result } from './check.ts';
import { reasonOf } from './database-clients.ts';
import { SCRATCH_TABLE } from './scratch.ts';
import { servedBy } from './served-by.ts';
import type { SqlContext } from './sql-context.ts';

/** More connections than this find no further standby. */
const MOST_READERS = 8;
const POLL_MS = 10;
const INSERT = `INSERT INTO ${SCRATCH_TABLE} (way) VALUES ($1)`;
const FIND = `SELECT way FROM ${SCRATCH_TABLE} WHERE way = $1`;
/** read_only_sql_transaction: all that a standby has to say to a write. */
const READ_ONLY = '25006';

export async function written(
  { patienceMs, signal }: Pick<SqlContext, 'patienceMs' | 'signal'>,
  db: SchoolDb,
  way: string,
): Promise<Result> {
  try {
    const { by } = await servedBy('write', () =>
      db.write(`${INSERT} ON CONFLICT DO NOTHING`, [way], {
        safety: 'idempotent',
        deadlineMs: patienceMs,
        signal,
      }),
    );
    const last = by.at(-1) ?? '';
    return last === way ? ok({ is: 'written' }) : elsewhere(db, way, last);
  } catch (error) {
    signal.throwIfAborted();
    return failed({ is: 'sql', reason: reasonOf(error) });
  }
}

/** The endpoint could not be used, and the client has gone to another one. */
function elsewhere(db: SchoolDb, endpoint: string, by: string): Result {
  const { endpoints } = db.health();
  const { reason = '' } = endpoints[endpoint as keyof typeof endpoints] ?? {};
  return failed({ is: 'served-elsewhere', by, reason: reason ?? '' });
}

/** Connections to the standbys that wait for the row of `written()`. */
export interface Readers {
  /** @param writtenAt - when the write was answered; undefined where there is nothing to wait for. */
  read(writtenAt: number | undefined): Promise<Result>;
}

/**
 * Connects first, so that what is measured is the database. The address spreads connections, so there are as many as
 * standbys.
 */
export async function connectReaders(context: SqlContext, standbys: number): Promise<Readers> {
  const { clients, lab, patienceMs, signal } = context;
  const written = Promise.withResolvers<number | undefined>();
  const connecting: Promise<unknown>[] = [];
  const readers = Array.from({ length: Math.min(standbys, MOST_READERS) }, () => {
    const connected = Promise.withResolvers<void>();
    const outcome = clients.direct
      .withConnection(
        'replica',
        async (connection) => {
          connected.resolve();
          if (connection.endpoint !== 'replica')
            return elsewhere(clients.direct, 'replica', connection.endpoint);
          const writtenAt = await written.promise;
          return writtenAt === undefined ? 0 : readUntilThere(context, connection, writtenAt);
        },
        { deadlineMs: patienceMs, signal },
      )
      .catch((error: unknown) => failed({ is: 'sql', reason: reasonOf(error) }));
    connecting.push(Promise.race([connected.promise, outcome]));
    return outcome;
  });
  await Promise.all(connecting);
  return {
    async read(writtenAt) {
      written.resolve(writtenAt);
      const outcomes = await Promise.all(readers);
      signal.throwIfAborted();
      return slowest(outcomes, lab.limits.replicaReadMs, readers.length);
    },
  };
}

/** Also past the limit, so that it can be said how late it is. */
async function readUntilThere(
  { patienceMs, signal }: SqlContext,
  { query }: LeasedConnection,
  writtenAt: number,
): Promise<Result | number> {
  for (;;) {
    const isThere = await query(FIND, ['master'], { signal }).then(
      ({ rows }) => rows.length > 0,
      // Not even the table is there yet.
      (error: unknown) => {
        if ((error as { code?: unknown }).code === '42P01') return false;
        throw error;
      },
    );
    const afterMs = performance.now() - writtenAt;
    if (isThere) return afterMs;
    if (afterMs > patienceMs) return failed({ is: 'never-readable', afterMs: Math.round(afterMs) });
    await pause(POLL_MS, undefined, { signal });
  }
}

function slowest(outcomes: readonly (Result | number)[], limitMs: number, standbys: number): Result {
  let afterMs = 0;
  for (const outcome of outcomes) {
    if (typeof outcome !== 'number') return outcome;
    afterMs = Math.max(afterMs, Math.round(outcome));
  }
  return afterMs > limitMs
    ? failed({ is: 'late', afterMs, limitMs })
    : ok({ is: 'readable', afterMs, limitMs, standbys });
}

export async function refusedByStandby({ clients, patienceMs, signal }: SqlContext): Promise<Result> {
  try {
    return await clients.direct.withConnection(
      'replica',
      async ({ endpoint, query }) => {
        if (endpoint !== 'replica') return elsewhere(clients.direct, 'replica', endpoint);
        return query(INSERT, ['refused'], { signal }).then(
          () => failed({ is: 'write-accepted' }),
          (error: unknown) => {
            if ((error as { code?: unknown }).code === READ_ONLY)
              return ok({ is: 'refused', code: READ_ONLY });
            throw error;
          },
        );
      },
      { deadlineMs: patienceMs, signal },
    );
  } catch (error) {
    signal.throwIfAborted();
    return failed({ is: 'sql', reason: reasonOf(error) });
  }
}

/** @param startedAt - when the write through the other pooler was answered. */
export async function readThroughPooler(context: SqlContext, startedAt: number): Promise<Result> {
  const { clients, lab, patienceMs, signal } = context;
  const limitMs = lab.limits.replicaReadMs;
  try {
    for (;;) {
      const { value, by } = await servedBy('read', () =>
        clients.pooled.read(FIND, ['masterPooler'], { deadlineMs: patienceMs, signal }),
      );
      const last = by.at(-1) ?? '';
      if (last !== 'replicaPooler') return elsewhere(clients.pooled, 'replicaPooler', last);
      const afterMs = Math.round(performance.now() - startedAt);
      if (value.rows.length > 0)
        return afterMs > limitMs
          ? failed({ is: 'late', afterMs, limitMs })
          : ok({ is: 'readable', afterMs, limitMs, standbys: 1 });
      if (afterMs > patienceMs) return failed({ is: 'never-readable', afterMs });
      await pause(POLL_MS, undefined, { signal });
    }
  } catch (error) {
    signal.throwIfAborted();
    return failed({ is: 'sql', reason: reasonOf(error) });
  }
}

/** So that the time of the first read is not that of connecting. Whatever it meets is met again. */
export async function warmUpPooler({ clients, patienceMs, signal }: SqlContext): Promise<void> {
  await clients.pooled.read('SELECT 1', [], { deadlineMs: patienceMs, signal }).catch(() => {});
  signal.throwIfAborted();
}

/** As an app would notice: the client sends it to the replicas, is refused there, and takes it to the primary. */
export async function refusedThroughPooler({ clients, patienceMs, signal }: SqlContext): Promise<Result> {
  const reasons: string[] = [];
  const stop = clients.pooled.on('attempt:failed', ({ reason }) => reasons.push(reason));
  try {
    const { by } = await servedBy('read', () =>
      clients.pooled.read(INSERT, ['refused'], { deadlineMs: patienceMs, signal }),
    );
    const [first = ''] = by;
    if (first !== 'replicaPooler') return elsewhere(clients.pooled, 'replicaPooler', first);
    if (by.length === 1) return failed({ is: 'write-accepted' });
    // The client passes on why it has tried again in words alone, which no server of the operator translates.
    return reasons.some((reason) => reason.includes('read-only'))
      ? ok({ is: 'refused', code: READ_ONLY })
      : failed({ is: 'sql', reason: reasons.join('; ') });
  } catch (error) {
    signal.throwIfAborted();
    return failed({ is: 'sql', reason: reasonOf(error) });
  } finally {
    stop();
  }
}
