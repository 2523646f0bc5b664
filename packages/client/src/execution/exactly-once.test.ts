/** Seen through the whole client above the wire. */
import { describe, expect, it } from 'vitest';
import type { CommitOutcomeUnknownError } from '../index.ts';
import { readSettleToken } from './settle-token.ts';
import { answer, loseConnection, makeClient, once, transactional } from '../../test/support/fake-client.ts';
import { SILENCE, result, sqlError } from '../../test/support/fake-server.ts';

describe('an exactlyOnce statement', () => {
  const ONCE = { exactlyOnce: true };

  it('goes out in one packet with its mark', async () => {
    const { db, primary } = makeClient();
    answer(primary, transactional());
    await db.write('INSERT x', [], ONCE);
    expect(primary.texts.slice(-4)).toEqual(['BEGIN', 'INSERT x', 'SELECT schooldb.mark($1, $2)', 'COMMIT']);
  });

  it('is repeated only if it did not happen', async () => {
    const { db, primary } = makeClient();
    answer(primary, transactional({ onCommit: once(loseConnection, () => result('COMMIT')), settled: true }));
    await db.write('INSERT x', [], ONCE);
    expect(primary.texts.filter((text) => text === 'INSERT x')).toHaveLength(1);
    answer(
      primary,
      transactional({ onCommit: once(loseConnection, () => result('COMMIT')), settled: false }),
    );
    await db.write('INSERT y', [], ONCE);
    expect(primary.texts.filter((text) => text === 'INSERT y')).toHaveLength(2);
  });

  it('says when it is certain but its own result was lost', async () => {
    const { db, primary } = makeClient();
    answer(
      primary,
      transactional({ onStatement: once(loseConnection, () => result('INSERT')), settled: true }),
    );
    expect(await db.write('INSERT x', [], ONCE)).toMatchObject({ resultLost: true, rowCount: null });
  });

  it('has its rows before it commits', async () => {
    const { db, primary } = makeClient();
    const rows = [{ id: 7 }];
    answer(
      primary,
      transactional({
        onStatement: () => result('INSERT', rows),
        onCommit: once(loseConnection, () => result('COMMIT')),
        settled: true,
      }),
    );
    expect((await db.write('INSERT x RETURNING id', [], ONCE)).rows).toEqual(rows);
  });

  it("passes the app's SQL error on, whatever becomes of COMMIT behind it", async () => {
    const { db, primary } = makeClient();
    const duplicate = sqlError('23505');
    answer(
      primary,
      transactional({
        onStatement: () => {
          throw duplicate;
        },
        onCommit: loseConnection,
      }),
    );
    await expect(db.write('INSERT x', [], ONCE)).rejects.toBe(duplicate);
    expect(primary.texts.join()).not.toContain('schooldb.settle');
  });

  it('uses a slot again after a known outcome, and never after an unknown one', async () => {
    const { db, clock, primary } = makeClient();
    answer(primary, transactional());
    await db.write('INSERT 1', [], ONCE);
    await db.write('INSERT 2', [], ONCE);
    answer(primary, transactional({ onCommit: () => SILENCE }));
    const loseWrite = async (text: string) => {
      const unknown = db.write(text, [], { ...ONCE, deadlineMs: 1_000 }).catch((error: unknown) => error);
      await clock.advance(1_000);
      return readSettleToken(((await unknown) as CommitOutcomeUnknownError).token).mark.seq;
    };
    expect([await loseWrite('INSERT 3'), await loseWrite('INSERT 4')]).toEqual([3, 1]);
  });

  it('is refused where the schema is missing', async () => {
    const { db, primary } = makeClient();
    primary.hasCommitSlots = false;
    answer(primary, transactional());
    await expect(db.write('INSERT x', [], ONCE)).rejects.toMatchObject({
      code: 'SCHOOLDB_EXACTLY_ONCE_UNAVAILABLE',
    });
    expect(primary.texts).not.toContain('INSERT x');
  });
});
