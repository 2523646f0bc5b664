/** Leases against servers that exist only as their answers, on a virtual clock. */
import { describe, expect, it } from 'vitest';
import { answer, loseConnection, makeClient, once, transactional } from '../../test/support/fake-client.ts';
import { SILENCE, result, sqlError } from '../../test/support/fake-server.ts';
import { settle } from '../../test/support/virtual-clock.ts';

/** A callback that ends when it is told to. */
function makeWork() {
  const work: { end: () => void; promise: Promise<void> } = { end: () => {}, promise: Promise.resolve() };
  work.promise = new Promise((resolve) => (work.end = resolve));
  return work;
}

describe('withConnection', () => {
  it('lends one connection of the master, and gives it back for others', async () => {
    const { db, primary } = makeClient();
    const value = await db.withConnection(async (connection) => {
      expect(connection.endpoint).toBe('master');
      await connection.query('SELECT 1');
      return 7;
    });
    expect(value).toBe(7);
    await db.write('INSERT w');
    expect(primary.connects).toBe(1);
  });

  it('lends one of a replica, and of the master where none can be reached', async () => {
    const { db, standby } = makeClient();
    const endpointOf = () => db.withConnection('replica', async ({ endpoint }) => endpoint);
    expect(await endpointOf()).toBe('replica');
    standby.die();
    standby.refusal = sqlError('ECONNREFUSED');
    expect(await endpointOf()).toBe('master');
  });

  it('asks the connection what it is before it is lent, and closes one whose server has become another', async () => {
    const { db, primary, standby, clock, behind } = makeClient();
    await db.write('INSERT w');
    // Demoted under us, and nobody told.
    Object.assign(primary.identity, { role: 'standby', timeline: null });
    Object.assign(standby.identity, { role: 'primary', timeline: 2 });
    behind['master'] = standby;
    const lent = db.withConnection(async ({ query }) => query('INSERT l'));
    await clock.advance(1_000);
    await lent;
    expect(standby.texts).toContain('INSERT l');
    expect(primary.texts).not.toContain('INSERT l');
  });

  it.each([
    ['in a transaction', 'BEGIN'],
    ['with another setting', "SET work_mem = '1MB'"],
    ['with a temporary table', 'CREATE TEMP TABLE t (n integer)'],
    ['with an advisory lock', 'SELECT pg_advisory_lock(1)'],
    ['after a body of which nobody knows what it did', 'DO $$ BEGIN NULL; END $$'],
  ])('does not lend a connection again that comes back %s', async (_how, text) => {
    const { db, primary } = makeClient();
    await db.withConnection(async ({ query }) => query(text));
    await db.write('INSERT w');
    expect([primary.connects, primary.wires.size]).toEqual([2, 1]);
  });

  it('lends a connection again after a transaction that was ended, and after an SQL error', async () => {
    const { db, primary } = makeClient();
    answer(primary, transactional());
    await db.withConnection(async ({ query }) => {
      await query('BEGIN');
      await query('INSERT INTO t VALUES (1)');
      await query('COMMIT');
    });
    answer(primary, () => {
      throw sqlError('42601');
    });
    const failing = db.withConnection(async ({ query }) => query('SELEC'));
    await expect(failing).rejects.toMatchObject({ code: '42601' });
    answer(primary, () => result('INSERT'));
    await db.write('INSERT w');
    expect(primary.connects).toBe(1);
  });

  it('does not lend a connection again on which a statement is still unanswered', async () => {
    const { db, primary } = makeClient();
    answer(primary, (text) => (text === 'SELECT slow' ? SILENCE : result('SELECT')));
    const late: unknown[] = [];
    await db.withConnection(async ({ query }) => {
      query('SELECT slow').catch((error: unknown) => late.push(error));
      await settle();
    });
    await settle();
    expect(late).toMatchObject([{ code: 'SCHOOLDB_CONNECTION_LOST', outcome: 'not-executed' }]);
    expect(primary.wires.size).toBe(0);
  });

  it('refuses what comes after the callback has ended', async () => {
    const { db } = makeClient();
    const query = await db.withConnection(async (connection) => connection.query);
    await expect(query('SELECT 1')).rejects.toMatchObject({ code: 'SCHOOLDB_STATEMENT_REFUSED' });
  });

  it('tells at once that the connection was lost, and rejects everything on it', async () => {
    const { db, primary } = makeClient();
    const work = makeWork();
    const told: unknown[] = [];
    const later: unknown[] = [];
    const lent = db.withConnection(async ({ query, signal }) => {
      signal.addEventListener('abort', () => told.push(signal.reason));
      await query('INSERT w');
      await work.promise;
      await query('INSERT x').catch((error: unknown) => later.push(error));
    });
    await settle();
    primary.die();
    expect(told).toMatchObject([{ code: 'SCHOOLDB_CONNECTION_LOST', outcome: 'unknown' }]);
    work.end();
    await lent;
    expect(later).toMatchObject([{ code: 'SCHOOLDB_CONNECTION_LOST', outcome: 'not-executed' }]);
    expect(primary.texts).not.toContain('INSERT x');
  });

  it.each([
    ['INSERT w', 'unknown'],
    ['SELECT 1', 'not-executed'],
  ])('says of a %s under which the connection broke that it is %s', async (text, outcome) => {
    const { db, primary } = makeClient();
    answer(
      primary,
      once(loseConnection, () => result('SELECT')),
    );
    await expect(db.withConnection(async ({ query }) => query(text))).rejects.toMatchObject({
      code: 'SCHOOLDB_CONNECTION_LOST',
      outcome,
    });
    // Nothing is repeated on a lease.
    expect(primary.texts.filter((each) => each === text)).toHaveLength(1);
  });

  it('does not take the answer to a COMMIT that rolled back, or was not confirmed, for a success', async () => {
    const { db, primary } = makeClient();
    const commit = () => db.withConnection(async ({ query }) => query('COMMIT'));
    answer(primary, transactional({ onCommit: () => result('ROLLBACK') }));
    await expect(commit()).rejects.toMatchObject({ code: 'SCHOOLDB_TRANSACTION_ROLLED_BACK' });
    const unconfirmed = transactional({
      onCommit: (_text, wire) => {
        wire.notify({ severity: 'WARNING', code: '01000', routine: 'SyncRepWaitForLSN' });
        return result('COMMIT');
      },
    });
    answer(primary, unconfirmed);
    await expect(commit()).rejects.toMatchObject({ code: 'SCHOOLDB_COMMIT_UNCONFIRMED' });
  });

  it('notices a server that froze while nothing was asked of it', async () => {
    const { db, primary, clock } = makeClient();
    const work = makeWork();
    let lostAt: number | undefined;
    const lent = db.withConnection(async ({ signal }) => {
      signal.addEventListener('abort', () => (lostAt = clock.now()));
      await work.promise;
    });
    await clock.advance(10_000);
    expect(lostAt).toBeUndefined();
    primary.frozen = true;
    await clock.advance(4_000);
    expect(lostAt).toBeLessThan(13_500);
    work.end();
    await lent;
  });

  it('answers its caller at once when that gives up, and closes the connection', async () => {
    const { db, primary } = makeClient();
    const controller = new AbortController();
    const work = makeWork();
    const lent = db.withConnection(() => work.promise, { signal: controller.signal });
    await settle();
    controller.abort(new Error('enough'));
    await expect(lent).rejects.toMatchObject({
      code: 'SCHOOLDB_ABORTED',
      outcome: 'not-executed',
      cause: { message: 'enough' },
    });
    expect(primary.wires.size).toBe(0);
    work.end();
  });

  it('is held for as long as the caller likes, and waits for its beginning no longer than the deadline', async () => {
    const { db, primary, clock } = makeClient({ deadlineMs: 1_000 });
    const work = makeWork();
    const lent = db.withConnection(() => work.promise);
    await clock.advance(100_000);
    work.end();
    await lent;
    primary.die();
    primary.refusal = sqlError('ECONNREFUSED');
    const refused = expect(db.withConnection(() => work.promise)).rejects.toMatchObject({
      code: 'SCHOOLDB_DEADLINE_EXCEEDED',
      outcome: 'not-executed',
      cause: { code: 'ECONNREFUSED' },
    });
    await clock.advance(1_000);
    await refused;
    await db.close();
    expect(clock.pending).toBe(0);
  });

  it('leaves a connection for statements, and serves those who wait in their order', async () => {
    // Two are kept for probes.
    const { db, primary } = makeClient({ maxConnections: 5 });
    const works = [makeWork(), makeWork(), makeWork(), makeWork()];
    const begun: number[] = [];
    const all = works.map((work, index) =>
      db.withConnection(async () => {
        begun.push(index);
        await work.promise;
      }),
    );
    await settle();
    expect(begun).toEqual([0, 1]);
    expect(db.health().endpoints.master.waiting).toBe(2);
    await db.write('INSERT w');
    works[1]!.end();
    await settle();
    expect(begun).toEqual([0, 1, 2]);
    for (const work of works) work.end();
    await Promise.all(all);
    expect(primary.openAtMost).toBe(3);
  });

  it('refuses callers over the limit of the waiting line', async () => {
    const { db } = makeClient({ maxConnections: 4, maxWaiting: 1 });
    const work = makeWork();
    const all = [0, 1].map(() => db.withConnection(() => work.promise));
    await settle();
    await expect(db.withConnection(() => work.promise)).rejects.toMatchObject({
      code: 'SCHOOLDB_WAITING_LINE_FULL',
    });
    work.end();
    await Promise.all(all);
  });

  it('ends what is lent when the client is closed, and lets what ends by itself end', async () => {
    const { db, clock, primary } = makeClient({ closeTimeoutMs: 1_000 });
    const work = makeWork();
    const [short, long] = [
      db.withConnection(() => work.promise),
      db.withConnection(() => new Promise(() => {})),
    ];
    const ended = expect(long).rejects.toMatchObject({ code: 'SCHOOLDB_ABORTED' });
    await settle();
    const closed = db.close();
    work.end();
    await short;
    await clock.advance(1_000);
    await ended;
    await closed;
    expect(primary.wires.size).toBe(0);
    expect(clock.pending).toBe(0);
  });

  it.each([
    [['slave', async () => {}], /must be one of master, replica/],
    [['master'], /must be a function, but is missing/],
    [[async () => {}, { deadlineMs: 0 }], /'deadlineMs' must be a whole number/],
    [[async () => {}, { timeout: 1 }], /unknown option 'timeout'/],
  ])('refuses %j', async (given, message) => {
    const { db } = makeClient();
    const call = db.withConnection.bind(db) as (...args: unknown[]) => Promise<void>;
    await expect(call(...given)).rejects.toThrow(message);
  });
});
