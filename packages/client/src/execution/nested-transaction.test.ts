/** Savepoints, seen through the whole client above the wire. */
import { describe, expect, it } from 'vitest';
import { answer, loseConnection, makeClient, once, transactional } from '../../test/support/fake-client.ts';
import type { Answer } from '../../test/support/fake-server.ts';
import { result, sqlError } from '../../test/support/fake-server.ts';

const refuse =
  (text: string, code: string): Answer =>
  (given) => {
    if (given === text) throw sqlError(code);
    return result('INSERT');
  };

function sent(texts: readonly string[]): string[] {
  return texts.slice(texts.indexOf('BEGIN'));
}

describe('a nested transaction', () => {
  it('is released when its callback returns, and its value is handed on', async () => {
    const { db, primary } = makeClient();
    answer(primary, transactional());
    const value = await db.transaction((tx) =>
      tx.transaction(async (inner) => {
        await inner.query('INSERT 1');
        return 42;
      }),
    );
    expect(value).toBe(42);
    expect(sent(primary.texts)).toEqual([
      'BEGIN',
      'SAVEPOINT schooldb_1',
      'INSERT 1',
      'RELEASE SAVEPOINT schooldb_1',
      expect.stringContaining('schooldb.mark'),
      'COMMIT',
    ]);
  });

  it('is rolled back when its callback throws, and the rest goes on', async () => {
    const { db, primary } = makeClient();
    answer(primary, transactional({ onStatement: refuse('INSERT 1', '23505') }));
    await db.transaction(async (tx) => {
      await expect(tx.transaction((inner) => inner.query('INSERT 1'))).rejects.toMatchObject({
        code: '23505',
      });
      await tx.query('INSERT 2');
      await tx.transaction((inner) => inner.transaction((innermost) => innermost.query('INSERT 3')));
    });
    expect(sent(primary.texts)).toEqual([
      'BEGIN',
      'SAVEPOINT schooldb_1',
      'INSERT 1',
      'ROLLBACK TO SAVEPOINT schooldb_1',
      'RELEASE SAVEPOINT schooldb_1',
      'INSERT 2',
      'SAVEPOINT schooldb_2',
      'SAVEPOINT schooldb_3',
      'INSERT 3',
      'RELEASE SAVEPOINT schooldb_3',
      'RELEASE SAVEPOINT schooldb_2',
      expect.stringContaining('schooldb.mark'),
      'COMMIT',
    ]);
  });

  it('can not be kept where its callback swallows the failure of a statement', async () => {
    const { db, primary } = makeClient();
    answer(primary, transactional({ onStatement: refuse('RELEASE SAVEPOINT schooldb_1', '25P02') }));
    const running = db.transaction((tx) =>
      tx.transaction(async (inner) => {
        await inner.query('INSERT 1').catch(() => {});
      }),
    );
    await expect(running).rejects.toMatchObject({ code: 'SCHOOLDB_TRANSACTION_ROLLED_BACK' });
    expect(primary.texts).toContain('ROLLBACK TO SAVEPOINT schooldb_1');
  });

  it.each([
    ['a lost connection', loseConnection],
    ['a serialization failure', refuse('INSERT 1', '40001')],
  ])('is run again with the whole transaction after %s', async (_what, failure) => {
    const { db, primary } = makeClient();
    const onStatement: Answer = (text, wire) => (text === 'INSERT 1' ? fails(text, wire) : result('INSERT'));
    const fails = once(failure, () => result('INSERT'));
    answer(primary, transactional({ onStatement }));
    const runs = { outer: 0, inner: 0 };
    await db.transaction(async (tx) => {
      runs.outer += 1;
      await tx.transaction(async (inner) => {
        runs.inner += 1;
        await inner.query('INSERT 1');
      });
    });
    expect(runs).toEqual({ outer: 2, inner: 2 });
  });

  it('has the connection for itself while it runs', async () => {
    const { db, primary } = makeClient();
    answer(primary, transactional());
    await db.transaction(async (tx) => {
      await tx.transaction(async (inner) => {
        await expect(tx.query('INSERT outside')).rejects.toThrow(
          'a transaction nested in this one is running',
        );
        await expect(tx.transaction(async () => {})).rejects.toThrow('one after the other');
        await inner.query('INSERT inside');
      });
      await tx.query('INSERT after');
    });
    expect(primary.texts).not.toContain('INSERT outside');
    expect(primary.texts).toEqual(expect.arrayContaining(['INSERT inside', 'INSERT after']));
  });

  it('is of no use after its end', async () => {
    const { db, primary } = makeClient();
    answer(primary, transactional());
    await db.transaction(async (tx) => {
      const { inner } = await tx.transaction(async (it) => ({ inner: it }));
      await expect(inner.query('INSERT late')).rejects.toThrow('the transaction is over');
    });
  });

  it('must be waited for: else nothing is committed', async () => {
    const { db, primary } = makeClient();
    answer(primary, transactional());
    let nested: Promise<unknown> | undefined;
    const running = db.transaction(async (tx) => {
      nested = tx.transaction((inner) => inner.query('INSERT 1'));
      nested.catch(() => {});
    });
    await expect(running).rejects.toThrow('while a transaction nested in it was running');
    await expect(nested).rejects.toThrow('the transaction is over');
    expect(primary.texts).not.toContain('COMMIT');
    expect(primary.texts).toContain('ROLLBACK');
  });
});
