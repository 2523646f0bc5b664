/** COPY against servers that exist only as their answers, on a virtual clock. */
import { describe, expect, it } from 'vitest';
import { answer, loseConnection, makeClient, once, transactional } from '../../test/support/fake-client.ts';
import { SILENCE, result, sqlError } from '../../test/support/fake-server.ts';
import { settle } from '../../test/support/virtual-clock.ts';

const IN = 'COPY note FROM STDIN';
const OUT = 'COPY note TO STDOUT';

/** A source that knows whether it was closed. */
function makeSource(pieces: readonly (string | Error | typeof SILENCE)[]) {
  const source = { closed: false, [Symbol.asyncIterator]: () => iterate() };
  async function* iterate(): AsyncGenerator<string> {
    try {
      for (const piece of pieces) {
        if (piece instanceof Error) throw piece;
        yield await piece;
      }
    } finally {
      source.closed = true;
    }
  }
  return source;
}

/** Answers the COPY as one that took two rows, and the transaction around it as a server does. */
function taking(changes: Parameters<typeof transactional>[0] = {}) {
  return transactional({ onStatement: () => ({ ...result('COPY'), rowCount: 2 }), ...changes });
}

describe('copyFrom', () => {
  it('takes what a source gives, in a transaction that commits with its mark', async () => {
    const { db, primary } = makeClient();
    answer(primary, taking());
    expect(await db.copyFrom(IN, ['a longer piece than the buffer holds\n', Buffer.from('b\n')])).toEqual({
      rowCount: 2,
    });
    expect(primary.copied.join('')).toBe('a longer piece than the buffer holds\nb\n');
    const mark = expect.stringMatching(/^SELECT schooldb\.mark\(/) as unknown;
    expect(primary.texts.slice(-4)).toEqual(['BEGIN', IN, mark, 'COMMIT']);
  });

  it.each([
    ['something else', 'SELECT 1'],
    ['the other direction', OUT],
    ['a file', "COPY note FROM '/tmp/note'"],
    ['another statement beside it', `SELECT 1; ${IN}`],
  ])('refuses %s before anything is read or sent', async (_what, text) => {
    const { db, primary } = makeClient();
    const source = makeSource(['a\n']);
    await expect(db.copyFrom(text, source)).rejects.toThrow(
      'copyFrom() takes COPY … FROM STDIN, alone in its text',
    );
    expect([primary.texts, primary.copied]).toEqual([[], []]);
  });

  it('is refused without the schema where exactly-once was asked for, and runs without a mark otherwise', async () => {
    const { db, primary } = makeClient();
    primary.hasCommitSlots = false;
    answer(primary, taking());
    await expect(db.copyFrom(IN, [], { exactlyOnce: true })).rejects.toMatchObject({
      code: 'SCHOOLDB_EXACTLY_ONCE_UNAVAILABLE',
    });
    await db.copyFrom(IN, ['a\n']);
    expect(primary.texts.slice(-3)).toEqual(['BEGIN', IN, 'COMMIT']);
  });

  it("rolls back when the source fails, and throws the source's own error", async () => {
    const { db, primary } = makeClient();
    answer(primary, taking());
    const broken = new Error('the file is gone');
    await expect(db.copyFrom(IN, makeSource(['a\n', broken]))).rejects.toBe(broken);
    expect(primary.texts.at(-1)).toBe('ROLLBACK');
  });

  it('rolls back when the server refuses a row, and closes the source', async () => {
    const { db, primary } = makeClient();
    answer(primary, taking());
    primary.copyRefusal = sqlError('22P02');
    const source = makeSource(['not a number\n', 'more of the same\n', 'b\n']);
    await expect(db.copyFrom(IN, source)).rejects.toBe(primary.copyRefusal);
    expect(primary.texts.at(-1)).toBe('ROLLBACK');
    expect(primary.texts.filter((text) => text === 'BEGIN')).toHaveLength(1);
  });

  it('is begun again when the connection breaks before anything was read', async () => {
    const { db, primary } = makeClient();
    const begun = once(loseConnection, () => result('BEGIN'));
    answer(primary, (text, wire) => (text === 'BEGIN' ? begun : taking())(text, wire));
    expect(await db.copyFrom(IN, ['a\n'])).toEqual({ rowCount: 2 });
    expect(primary.copied).toEqual(['a\n']);
  });

  it('ends when the connection breaks under it, closes the source, and says that nothing was committed', async () => {
    const { db, primary } = makeClient();
    answer(primary, taking());
    const source = makeSource(['a\n', SILENCE]);
    const copying = db.copyFrom(IN, source);
    const ended = expect(copying).rejects.toMatchObject({
      code: 'SCHOOLDB_CONNECTION_LOST',
      outcome: 'not-executed',
    });
    await settle();
    primary.die();
    await ended;
  });

  it('asks what became of a lost COMMIT', async () => {
    const { db, primary } = makeClient();
    // The question itself is answered.
    const onCommit = () => once(loseConnection, () => result('COMMIT'));
    answer(primary, taking({ onCommit: onCommit(), settled: true }));
    expect(await db.copyFrom(IN, ['a\n'])).toEqual({ rowCount: 2 });
    answer(primary, taking({ onCommit: onCommit(), settled: false }));
    await expect(db.copyFrom(IN, ['b\n'])).rejects.toMatchObject({ outcome: 'not-executed' });
    expect(primary.copied).toEqual(['a\n', 'b\n']);
  });

  it('says that nobody knows what became of a lost COMMIT without a mark', async () => {
    const { db, primary } = makeClient();
    answer(primary, taking({ onCommit: loseConnection }));
    await expect(db.copyFrom(IN, ['a\n'], { exactlyOnce: false })).rejects.toMatchObject({
      code: 'SCHOOLDB_COMMIT_OUTCOME_UNKNOWN',
      token: undefined,
    });
  });

  it('is told unconfirmed where the wait for the standby was given up and no mark can tell', async () => {
    const { db, primary } = makeClient();
    answer(
      primary,
      taking({
        onCommit: (_text, wire) => {
          wire.notify({ severity: 'WARNING', code: '01000', routine: 'SyncRepWaitForLSN' });
          return result('COMMIT');
        },
      }),
    );
    await expect(db.copyFrom(IN, ['a\n'], { exactlyOnce: false })).rejects.toMatchObject({
      code: 'SCHOOLDB_COMMIT_UNCONFIRMED',
    });
  });

  it("passes what COMMIT itself fails with on as the app's error", async () => {
    const { db, primary } = makeClient();
    const violated = sqlError('23503');
    answer(
      primary,
      taking({
        onCommit: () => {
          throw violated;
        },
      }),
    );
    await expect(db.copyFrom(IN, ['a\n'])).rejects.toBe(violated);
  });

  it('ends at its deadline while the source is silent, and closes the connection', async () => {
    const { db, primary, clock } = makeClient();
    answer(primary, taking());
    const copying = expect(
      db.copyFrom(IN, makeSource(['a\n', SILENCE]), { deadlineMs: 5_000 }),
    ).rejects.toMatchObject({ code: 'SCHOOLDB_DEADLINE_EXCEEDED', outcome: 'not-executed' });
    await clock.advance(5_000);
    await copying;
    expect(primary.wires.size).toBe(0);
  });
});

describe('copyTo', () => {
  const rows = [{ piece: 'a\n' }, { piece: 'b\n' }];

  async function read(copying: AsyncGenerator<Buffer, number>): Promise<[string, number]> {
    let text = '';
    for (;;) {
      const { done, value } = await copying.next();
      if (done === true) return [text, value];
      text += String(value);
    }
  }

  it('gives piece after piece, and the number of rows at the end', async () => {
    const { db, primary } = makeClient();
    answer(primary, () => result('COPY', rows));
    expect(await read(db.copyTo(OUT))).toEqual(['a\nb\n', 2]);
    expect(primary.wires.size).toBe(1);
  });

  it('reads at a replica where it is told to', async () => {
    const { db, primary, standby } = makeClient();
    answer(standby, () => result('COPY', rows));
    expect(await read(db.copyTo(OUT, { kind: 'replica' }))).toEqual(['a\nb\n', 2]);
    expect(primary.texts).not.toContain(OUT);
  });

  it('refuses what is no COPY TO STDOUT', async () => {
    const { db } = makeClient();
    await expect(read(db.copyTo(IN))).rejects.toThrow('copyTo() takes COPY … TO STDOUT, alone in its text');
  });

  it("passes the server's error on", async () => {
    const { db, primary } = makeClient();
    const missing = sqlError('42P01');
    answer(primary, () => {
      throw missing;
    });
    await expect(read(db.copyTo(OUT))).rejects.toBe(missing);
  });

  it('says that the connection was lost', async () => {
    const { db, primary } = makeClient();
    answer(primary, loseConnection);
    await expect(read(db.copyTo(OUT))).rejects.toMatchObject({ code: 'SCHOOLDB_CONNECTION_LOST' });
  });

  it('ends at its deadline where the server is silent', async () => {
    const { db, primary, clock } = makeClient();
    answer(primary, () => SILENCE);
    const reading = expect(read(db.copyTo(OUT, { deadlineMs: 2_000 }))).rejects.toMatchObject({
      code: 'SCHOOLDB_DEADLINE_EXCEEDED',
    });
    await clock.advance(2_000);
    await reading;
    expect(primary.wires.size).toBe(0);
  });
});
