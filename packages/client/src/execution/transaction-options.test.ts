/** What a caller can ask of a transaction, seen through the whole client above the wire. */
import { describe, expect, it } from 'vitest';
import { answer, loseConnection, makeClient, once, transactional } from '../../test/support/fake-client.ts';
import type { Answer } from '../../test/support/fake-server.ts';
import { result, sqlError } from '../../test/support/fake-server.ts';
import { operationChannel } from '../runtime/diagnostics.ts';

const fail =
  (code: string): Answer =>
  () => {
    throw sqlError(code);
  };

describe('the options of a transaction', () => {
  it('begin it in the mode that was asked for', async () => {
    const { db, primary } = makeClient();
    answer(primary, transactional());
    const insert = { query: (tx: { query(text: string): Promise<unknown> }) => tx.query('INSERT x') };
    await db.transaction(insert.query, { isolation: 'serializable' });
    await db.transaction(insert.query, { isolation: 'repeatable read', access: 'read write' });
    await db.transaction(insert.query);
    expect(primary.texts.filter((text) => text.startsWith('BEGIN'))).toEqual([
      'BEGIN ISOLATION LEVEL SERIALIZABLE',
      'BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE',
      'BEGIN',
    ]);
  });

  it('send a read-only one to a replica, without a mark, and to the primary where the replica is behind', async () => {
    const { db, clock, primary, standby } = makeClient();
    for (const server of [primary, standby]) answer(server, transactional());
    const read = () => db.transaction((tx) => tx.query('SELECT n FROM t'), { access: 'read only' });
    await read();
    expect(standby.texts).toEqual(expect.arrayContaining(['BEGIN READ ONLY', 'SELECT n FROM t', 'COMMIT']));
    await db.write('INSERT x');
    await read();
    expect(primary.texts).not.toContain('BEGIN READ ONLY');
    primary.lsn += 1;
    await db.write('INSERT x');
    const reading = read();
    await clock.advance(200);
    await reading;
    expect(primary.texts).toContain('BEGIN READ ONLY');
    expect([...standby.texts, ...primary.texts].join()).not.toContain('schooldb.mark');
  });

  it('send a read-only one that is serializable to the primary: a standby has no such isolation', async () => {
    const { db, primary, standby } = makeClient();
    for (const server of [primary, standby]) answer(server, transactional());
    const mode = { access: 'read only', isolation: 'serializable' } as const;
    await db.transaction((tx) => tx.query('SELECT n FROM t'), mode);
    expect(primary.texts).toContain('BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY');
    expect(standby.texts).not.toContain('SELECT n FROM t');
  });

  it('name it to those who watch', async () => {
    const { db, primary } = makeClient();
    answer(primary, transactional());
    const seen: string[] = [];
    const subscriber = (message: unknown) => seen.push((message as { operation: string }).operation);
    operationChannel.start.subscribe(subscriber);
    await db.transaction((tx) => tx.query('INSERT x'), { name: 'buchung' });
    operationChannel.start.unsubscribe(subscriber);
    expect(seen).toEqual(['transaction buchung']);
  });

  it.each([
    [{ isolation: 'dirty' }, "'isolation' must be one of read committed, repeatable read, serializable"],
    [{ access: 'write' }, "'access' must be one of read write, read only"],
    [{ retry: 3 }, "'retry' must be true or false, but is 3"],
    [{ name: '' }, "'name' must be a text that is not empty"],
    [{ name: 'x'.repeat(101) }, "'name' must have at most 100 characters, but has 101"],
    [{ isolationLevel: 'x' }, "unknown option 'isolationLevel'. Did you mean 'isolation'?"],
  ])('are checked: %j', async (options, message) => {
    const { db } = makeClient();
    const running = db.transaction(async () => {}, options as object);
    await expect(running).rejects.toMatchObject({ code: 'SCHOOLDB_INVALID_OPTIONS' });
    await expect(running).rejects.toThrow(message);
  });
});

describe('a transaction that is not to be repeated', () => {
  const ONCE = { retry: false };

  it.each(['40001', '40P01'])('passes a %s on', async (code) => {
    const { db, primary } = makeClient();
    answer(primary, transactional({ onStatement: fail(code) }));
    let runs = 0;
    const running = db.transaction(async (tx) => {
      runs += 1;
      await tx.query('INSERT x');
    }, ONCE);
    await expect(running).rejects.toMatchObject({ code });
    expect(runs).toBe(1);
  });

  it('tells of a connection that broke before COMMIT, and that nothing was done', async () => {
    const { db, primary } = makeClient();
    answer(primary, transactional({ onStatement: loseConnection }));
    await expect(db.transaction((tx) => tx.query('INSERT x'), ONCE)).rejects.toMatchObject({
      code: 'SCHOOLDB_CONNECTION_LOST',
      outcome: 'not-executed',
    });
  });

  it.each([
    [true, undefined],
    [false, { code: 'SCHOOLDB_CONNECTION_LOST', outcome: 'not-executed' }],
  ])('settles a lost COMMIT all the same: %s', async (settled, error) => {
    const { db, primary } = makeClient();
    answer(primary, transactional({ onCommit: once(loseConnection, () => result('COMMIT')), settled }));
    let runs = 0;
    const running = db.transaction(async (tx) => {
      runs += 1;
      await tx.query('INSERT x');
    }, ONCE);
    if (error === undefined) await running;
    else await expect(running).rejects.toMatchObject(error);
    expect(runs).toBe(1);
  });

  it('is begun on another connection where the first breaks before the callback has run', async () => {
    const { db, primary } = makeClient();
    const serve = transactional();
    answer(
      primary,
      once(loseConnection, (text, wire) => serve(text, wire)),
    );
    let runs = 0;
    await db.transaction(async (tx) => {
      runs += 1;
      await tx.query('INSERT x');
    }, ONCE);
    expect(runs).toBe(1);
  });
});

describe('a transaction that has only read', () => {
  it('carries no mark, and is run again where the answer to COMMIT is lost', async () => {
    const { db, primary } = makeClient();
    answer(primary, transactional({ onCommit: once(loseConnection, () => result('COMMIT')) }));
    let runs = 0;
    await db.transaction(async (tx) => {
      runs += 1;
      await tx.query('SELECT n FROM t');
    });
    expect(runs).toBe(2);
    expect(primary.texts.join()).not.toContain('schooldb.');
  });

  it.each([
    ['nothing but a function that may write', ['SELECT book_seat(1)']],
    ['a write behind a read', ['SELECT 1', 'INSERT x']],
    ['a lock', ['SELECT n FROM t FOR UPDATE']],
    ['more texts than are remembered', Array.from({ length: 101 }, (_, n) => `SELECT ${n}`)],
  ])('is not one with %s', async (_what, texts) => {
    const { db, primary } = makeClient();
    answer(primary, transactional());
    await db.transaction(async (tx) => {
      for (const text of texts) await tx.query(text);
    });
    expect(primary.texts.join()).toContain('schooldb.mark');
  });
});
