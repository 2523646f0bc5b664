/** The whole client above the wire, against servers that exist only as their answers, on a virtual clock. */
import { describe, expect, it } from 'vitest';
import { answer, loseConnection, makeClient, once, transactional } from '../../test/support/fake-client.ts';
import { FakeServer, SILENCE, result, sqlError } from '../../test/support/fake-server.ts';
import { settle } from '../../test/support/virtual-clock.ts';

describe('SchoolDb', () => {
  it('reads from the replica and writes to the primary', async () => {
    const { db, primary, standby } = makeClient();
    await db.read('SELECT r');
    await db.write('INSERT w');
    await db.query('SELECT q()');
    expect(standby.texts).toContain('SELECT r');
    expect(primary.texts).toEqual(expect.arrayContaining(['INSERT w', 'SELECT q()']));
    expect(primary.texts).not.toContain('SELECT r');
  });

  it('reads from the primary when no replica can be reached', async () => {
    const { db, primary, standby } = makeClient();
    standby.refusal = sqlError('ECONNREFUSED');
    await db.read('SELECT r');
    expect(primary.texts).toContain('SELECT r');
  });

  it('sends no statement to a server of the wrong role, however the address leads there', async () => {
    const { db, clock, primary, standby, behind } = makeClient();
    behind['master'] = standby;
    const writing = db.write('INSERT w');
    await clock.advance(2_000);
    expect(standby.texts).not.toContain('INSERT w');
    behind['master'] = primary;
    await clock.advance(1_000);
    await writing;
    expect(primary.texts).toContain('INSERT w');
  });

  it('sends no read to a standby that was promoted while it was asked who it is', async () => {
    const { db, clock, standby } = makeClient();
    const answerAsStandby = standby.answer;
    standby.answer = (text, wire) => {
      if (text.startsWith('SET ')) wire.report('in_hot_standby', 'off');
      return answerAsStandby(text, wire);
    };
    const reading = db.read('SELECT r');
    await clock.advance(1_000);
    await reading;
    expect(standby.texts).not.toContain('SELECT r');
  });

  it('does not wait for a connection that is being opened when it is closed', async () => {
    const { db, clock, primary } = makeClient({ closeTimeoutMs: 0 });
    primary.frozen = true;
    const refused = expect(db.write('INSERT w')).rejects.toMatchObject({ outcome: 'not-executed' });
    await settle();
    const closing = db.close();
    // No time passes: nothing else could end the wait.
    await clock.advance(0);
    await refused;
    await closing;
  });

  it('sends no statement to the old primary once a newer timeline was seen', async () => {
    const { db, clock, primary, behind } = makeClient();
    await db.write('INSERT 1');
    const successor = new FakeServer({ server: 'pg2', timeline: 2 });
    answer(successor, () => result('INSERT'));
    behind['master'] = successor;
    primary.die();
    await db.write('INSERT 2');
    behind['master'] = primary;
    successor.die();
    const refused = expect(db.write('INSERT 3', [], { deadlineMs: 5_000 })).rejects.toMatchObject({
      outcome: 'not-executed',
      cause: { code: 'SCHOOLDB_UNSUITABLE_SERVER' },
    });
    await clock.advance(5_000);
    await refused;
    expect(primary.texts).not.toContain('INSERT 3');
  });

  it('repeats a read on the primary when the connection to the replica breaks under it', async () => {
    const { db, primary, standby } = makeClient();
    answer(primary, () => result('SELECT', [{ a: 1 }]));
    answer(standby, loseConnection);
    expect((await db.read('SELECT r')).rows).toEqual([{ a: 1 }]);
  });

  it('does not repeat an effectful statement whose connection broke, and says that it may have happened', async () => {
    const { db, primary } = makeClient();
    answer(primary, loseConnection);
    await expect(db.write('INSERT w')).rejects.toMatchObject({
      code: 'SCHOOLDB_COMMIT_OUTCOME_UNKNOWN',
      outcome: 'unknown',
      token: undefined,
    });
    expect(primary.texts.filter((text) => text === 'INSERT w')).toHaveLength(1);
  });

  it('says that an idempotent statement may have happened where it could not be repeated', async () => {
    const { db, clock, primary } = makeClient();
    answer(primary, loseConnection);
    const lost = expect(db.write('UPDATE i', [], { safety: 'idempotent', deadlineMs: 500 })).rejects;
    const refused = lost.toMatchObject({ outcome: 'unknown' });
    await clock.advance(500);
    await refused;
  });

  it('repeats an idempotent statement, and one that the server rolled back', async () => {
    const { db, primary } = makeClient();
    answer(
      primary,
      once(loseConnection, () => result('UPDATE')),
    );
    await db.write('UPDATE i', [], { safety: 'idempotent' });
    answer(
      primary,
      once(
        () => {
          throw sqlError('40001');
        },
        () => result('UPDATE'),
      ),
    );
    await db.write('UPDATE s');
    expect(primary.texts.filter((text) => text === 'UPDATE s')).toHaveLength(2);
  });

  it('does not repeat what may have committed a part before the server rolled back', async () => {
    const { db, primary } = makeClient();
    answer(primary, () => {
      throw sqlError('40P01');
    });
    await expect(db.query('CALL month_end()')).rejects.toMatchObject({ code: '40P01' });
    expect(primary.texts.filter((text) => text === 'CALL month_end()')).toHaveLength(1);
  });

  it('does not take a write for certain whose wait for the standby was given up', async () => {
    const { db, primary } = makeClient();
    answer(primary, (_text, wire) => {
      wire.notify({ severity: 'WARNING', code: '01000', routine: 'SyncRepWaitForLSN' });
      return result('INSERT');
    });
    await expect(db.write('INSERT w')).rejects.toMatchObject({ code: 'SCHOOLDB_COMMIT_UNCONFIRMED' });
  });

  it('refuses COPY from and to the client before it is sent', async () => {
    const { db, primary } = makeClient();
    answer(primary, transactional());
    await expect(db.query('COPY t FROM STDIN')).rejects.toMatchObject({ code: 'SCHOOLDB_STATEMENT_REFUSED' });
    await expect(db.read('COPY t TO STDOUT')).rejects.toMatchObject({ code: 'SCHOOLDB_STATEMENT_REFUSED' });
    await expect(db.transaction((tx) => tx.query('COPY t FROM STDIN'))).rejects.toThrow('COPY');
  });

  it('is not stopped by a password function that never answers', async () => {
    let asked = 0;
    const { db, clock } = makeClient({
      endpoints: { master: 'master' },
      password: () => {
        asked += 1;
        return asked <= 2 ? SILENCE : 'secret';
      },
    });
    const both = Promise.all([db.query('SELECT 1'), db.query('SELECT 2')]);
    await clock.advance(11_000);
    await both;
    await db.close();
  });

  it("passes the app's own SQL errors through untouched", async () => {
    const { db, primary } = makeClient();
    const duplicate = sqlError('23505');
    answer(primary, () => {
      throw duplicate;
    });
    await expect(db.write('INSERT w')).rejects.toBe(duplicate);
  });

  it('gives the answer by the deadline, whatever the server does', async () => {
    const { db, clock, primary } = makeClient();
    answer(primary, () => SILENCE);
    const refused = expect(db.write('INSERT w', [], { deadlineMs: 1_000 })).rejects.toMatchObject({
      code: 'SCHOOLDB_DEADLINE_EXCEEDED',
      outcome: 'unknown',
    });
    await clock.advance(1_000);
    await refused;
    expect(db.health().endpoints.master.connections.leased).toBe(0);
  });

  it('ends an operation when its caller aborts', async () => {
    const { db, primary } = makeClient();
    answer(primary, () => SILENCE);
    const controller = new AbortController();
    const refused = expect(db.read('SELECT r', [], { signal: controller.signal })).rejects.toMatchObject({
      code: 'SCHOOLDB_ABORTED',
    });
    controller.abort();
    await refused;
  });

  it('refuses bad options of a call by name', async () => {
    const { db } = makeClient();
    await expect(db.write('x', [], { exactlyonce: true } as never)).rejects.toThrow(
      /'exactlyonce'.*'exactlyOnce'/,
    );
    await expect(db.read('x', [], { deadlineMs: 0 })).rejects.toThrow(
      /'deadlineMs' must be a whole number from 1/,
    );
  });

  it('lets what is under way end before it is closed, and takes nothing new', async () => {
    const { db, clock, primary, standby } = makeClient();
    let respond!: () => void;
    answer(primary, () => new Promise((resolve) => (respond = () => resolve(result('INSERT')))));
    const writing = db.write('INSERT w');
    await settle();
    const closing = db.close();
    await expect(db.read('SELECT r')).rejects.toMatchObject({ code: 'SCHOOLDB_CLOSED' });
    respond();
    await writing;
    await closing;
    await db.close();
    expect([primary.wires.size, standby.wires.size, clock.pending]).toEqual([0, 0, 0]);
  });

  it('does not wait for ever when it is closed', async () => {
    const { db, clock, primary } = makeClient({ closeTimeoutMs: 500 });
    answer(primary, () => SILENCE);
    const failed = expect(db.write('INSERT w')).rejects.toMatchObject({ outcome: 'unknown' });
    await settle();
    const closing = db.close();
    await clock.advance(500);
    await Promise.all([failed, closing]);
    expect([primary.wires.size, clock.pending]).toEqual([0, 0]);
  });

  it('does not wait for a callback that waits for something else when it is closed', async () => {
    const { db, clock, primary } = makeClient({ closeTimeoutMs: 500 });
    answer(primary, transactional());
    const failed = expect(db.transaction(() => SILENCE)).rejects.toMatchObject({
      code: 'SCHOOLDB_ABORTED',
      outcome: 'not-executed',
      message: expect.stringContaining('given up by close()'),
    });
    await settle();
    const closing = db.close();
    await clock.advance(500);
    await Promise.all([failed, closing]);
    expect([primary.wires.size, clock.pending]).toEqual([0, 0]);
  });

  it('leaks no connection to callers whose signal was aborted before they began', async () => {
    const { db } = makeClient({ maxConnections: 4 });
    for (let n = 0; n < 5; n += 1) {
      const aborted = db.write('INSERT x', [], { signal: AbortSignal.abort(new Error('no')) });
      await expect(aborted).rejects.toMatchObject({ code: 'SCHOOLDB_ABORTED', outcome: 'not-executed' });
    }
    await db.write('INSERT x');
    expect(db.health().endpoints.master.connections.leased).toBe(0);
    await db.close();
  });

  it('refuses to begin or end a transaction by a statement of its own', async () => {
    const { db, primary } = makeClient();
    for (const call of [db.write('BEGIN'), db.query('COMMIT'), db.read('ROLLBACK')])
      await expect(call).rejects.toMatchObject({ code: 'SCHOOLDB_STATEMENT_REFUSED' });
    expect(primary.texts).toEqual([]);
    await db.close();
  });
});
