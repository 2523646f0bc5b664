/** Streams against servers that exist only as their answers, on a virtual clock. */
import { describe, expect, it } from 'vitest';
import { answer, loseConnection, makeClient, once } from '../../test/support/fake-client.ts';
import type { FakeServer } from '../../test/support/fake-server.ts';
import { SILENCE, result, sqlError } from '../../test/support/fake-server.ts';
import type { StreamOptions } from './call-options.ts';
import { settle } from '../../test/support/virtual-clock.ts';

const READ = 'SELECT n FROM numbers';
const WRITE = 'INSERT INTO numbers VALUES (1) RETURNING n';
const ROWS = [1, 2, 3, 4, 5].map((n) => ({ n }));

const rowsFrom = (server: FakeServer) => answer(server, () => result('SELECT', ROWS));

async function collect<Row>(stream: AsyncIterable<Row>): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const row of stream) rows.push(row);
  return rows;
}

describe('stream', () => {
  it('gives all rows of a read, from a replica, and frees the connection', async () => {
    const { db, primary, standby } = makeClient();
    rowsFrom(standby);
    expect(await collect(db.stream(READ, [], { batchSize: 2 }))).toEqual(ROWS);
    await db.read('SELECT r');
    expect([standby.connects, primary.connects]).toEqual([1, 0]);
  });

  it('reads from the primary what this process has written, and writes there', async () => {
    const { db, primary, standby } = makeClient();
    rowsFrom(primary);
    expect(await collect(db.stream(WRITE))).toEqual(ROWS);
    expect(await collect(db.stream(READ))).toEqual(ROWS);
    expect(standby.connects).toBe(0);
  });

  it('connects when the first row is asked for, and not before', async () => {
    const { db, standby } = makeClient();
    const stream = db.stream(READ);
    await settle();
    expect(standby.connects).toBe(0);
    await stream.return();
    expect(standby.connects).toBe(0);
  });

  it.each([
    ['break', undefined],
    ['an exception', new Error('the reader failed')],
  ])('frees the connection upon %s in the middle, for others to use', async (_how, failure) => {
    const { db, standby } = makeClient();
    rowsFrom(standby);
    const reading = (async () => {
      for await (const _ of db.stream(READ, [], { batchSize: 2 })) {
        if (failure !== undefined) throw failure;
        break;
      }
    })();
    if (failure === undefined) await reading;
    else await expect(reading).rejects.toBe(failure);
    expect(db.health().endpoints.replica?.connections.leased).toBe(0);
    await db.read('SELECT r');
    expect(standby.connects).toBe(1);
  });

  it('closes the connection at once when it is aborted while the server is at work', async () => {
    const { db, standby } = makeClient();
    answer(standby, () => SILENCE);
    const controller = new AbortController();
    const reading = collect(db.stream(READ, [], { signal: controller.signal }));
    const ended = expect(reading).rejects.toMatchObject({
      code: 'SCHOOLDB_ABORTED',
      outcome: 'not-executed',
    });
    await settle();
    expect(standby.wires.size).toBe(1);
    controller.abort();
    await settle();
    expect(standby.wires.size).toBe(0);
    await ended;
  });

  it('hands out no row after it was aborted', async () => {
    const { db, standby } = makeClient();
    rowsFrom(standby);
    const controller = new AbortController();
    const stream = db.stream(READ, [], { signal: controller.signal });
    await stream.next();
    controller.abort();
    await expect(stream.next()).rejects.toMatchObject({ code: 'SCHOOLDB_ABORTED' });
    expect(standby.wires.size).toBe(0);
  });

  it('begins again where a read broke before its first row, and not where a write did', async () => {
    const { db, primary, standby } = makeClient();
    answer(
      standby,
      once(loseConnection, () => result('SELECT', ROWS)),
    );
    expect(await collect(db.stream(READ))).toEqual(ROWS);
    answer(
      primary,
      once(loseConnection, () => result('INSERT', ROWS)),
    );
    await expect(collect(db.stream(WRITE))).rejects.toMatchObject({
      code: 'SCHOOLDB_CONNECTION_LOST',
      outcome: 'unknown',
    });
    expect(primary.texts.filter((text) => text === WRITE)).toHaveLength(1);
  });

  it('never begins again after the first row', async () => {
    const { db, standby } = makeClient();
    rowsFrom(standby);
    const stream = db.stream(READ, [], { batchSize: 1 });
    expect((await stream.next()).value).toEqual({ n: 1 });
    standby.die();
    await expect(stream.next()).rejects.toMatchObject({
      code: 'SCHOOLDB_CONNECTION_LOST',
      outcome: 'not-executed',
    });
    expect(standby.texts.filter((text) => text === READ)).toHaveLength(1);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  it('goes to the primary where a standby refuses it, at once the next time', async () => {
    const { db, primary, standby } = makeClient();
    answer(standby, () => {
      throw sqlError('25006');
    });
    rowsFrom(primary);
    expect(await collect(db.stream(READ))).toEqual(ROWS);
    expect(await collect(db.stream(READ))).toEqual(ROWS);
    expect(standby.texts.filter((text) => text === READ)).toHaveLength(1);
  });

  it('passes on SQL errors, and gives up at the deadline', async () => {
    const { db, standby, clock } = makeClient();
    answer(standby, () => {
      throw sqlError('42P01');
    });
    await expect(collect(db.stream(READ))).rejects.toMatchObject({ code: '42P01' });
    answer(standby, () => SILENCE);
    const late = expect(collect(db.stream(READ, [], { deadlineMs: 100 }))).rejects.toMatchObject({
      code: 'SCHOOLDB_DEADLINE_EXCEEDED',
      outcome: 'not-executed',
    });
    await clock.advance(100);
    await late;
    await db.close();
    expect(clock.pending).toBe(0);
  });

  it.each([
    [{ batchSize: 0 }, /'batchSize' must be a whole number from 1 to 100000, but is 0/],
    [{ batchsize: 5 }, /Did you mean 'batchSize'/],
  ])('refuses the options %j at once', (options, message) => {
    const { db } = makeClient();
    expect(() => db.stream(READ, [], options as StreamOptions)).toThrow(message);
  });

  it('is told unconfirmed where a write commits and its wait for the standby was given up', async () => {
    const { db, primary } = makeClient();
    answer(primary, (_text, wire) => {
      wire.notify({ severity: 'WARNING', code: '01000', routine: 'SyncRepWaitForLSN' });
      return result('INSERT', [{ n: 1 }]);
    });
    await expect(collect(db.stream(WRITE))).rejects.toMatchObject({ code: 'SCHOOLDB_COMMIT_UNCONFIRMED' });
  });

  it('refuses what is no single statement', async () => {
    const { db } = makeClient();
    await expect(db.stream('BEGIN').next()).rejects.toMatchObject({ code: 'SCHOOLDB_STATEMENT_REFUSED' });
  });
});
