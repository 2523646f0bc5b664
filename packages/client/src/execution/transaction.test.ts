/** Seen through the whole client above the wire. */
import { describe, expect, it } from 'vitest';
import { answer, loseConnection, makeClient, once, transactional } from '../../test/support/fake-client.ts';
import type { Transaction } from '../index.ts';
import type { Answer } from '../../test/support/fake-server.ts';
import { FakeServer, SILENCE, result, sqlError } from '../../test/support/fake-server.ts';

/** A callback that writes: without that there is nothing to find out. */
const write = (tx: Transaction) => tx.query('INSERT x');

describe('a transaction', () => {
  it('runs its callback again when the connection breaks before COMMIT was sent', async () => {
    const { db, primary } = makeClient();
    answer(primary, transactional({ onStatement: once(loseConnection, () => result('INSERT')) }));
    let runs = 0;
    const value = await db.transaction(async (tx) => {
      runs += 1;
      await tx.query('INSERT x');
      return runs;
    });
    expect(value).toBe(2);
  });

  it('sends nothing more to a primary that was replaced under it, and runs again on the new one', async () => {
    const { db, primary, behind } = makeClient();
    const successor = new FakeServer({ server: 'pg2', timeline: 2 });
    for (const server of [primary, successor]) answer(server, transactional());
    await db.transaction(async (tx) => {
      await tx.query('INSERT 1');
      if (behind['master'] === successor) return;
      behind['master'] = successor;
      // Needs a connection of its own, and learns there of the new timeline.
      await db.write('INSERT elsewhere');
      await tx.query('INSERT 2');
    });
    expect(primary.texts).not.toContain('INSERT 2');
    expect(successor.texts).toEqual(expect.arrayContaining(['INSERT elsewhere', 'INSERT 1', 'COMMIT']));
  });

  it('runs its callback again after a serialization failure, also where the callback wraps the error', async () => {
    const { db, primary } = makeClient();
    const conflict: Answer = () => {
      throw sqlError('40001');
    };
    answer(primary, transactional({ onStatement: once(conflict, () => result('INSERT')) }));
    let runs = 0;
    await db.transaction(async (tx) => {
      runs += 1;
      await tx.query('INSERT x').catch((cause: unknown) => {
        throw new Error('saving failed', { cause });
      });
    });
    expect(runs).toBe(2);
  });

  it('rolls back and passes on what the callback throws, and keeps the connection', async () => {
    const { db, primary } = makeClient();
    answer(primary, transactional());
    const veto = new Error('veto');
    await expect(db.transaction(() => Promise.reject(veto))).rejects.toBe(veto);
    expect(primary.texts).toContain('ROLLBACK');
    expect(primary.texts).not.toContain('COMMIT');
    expect(primary.wires.size).toBe(1);
  });

  it('asks what became of a COMMIT whose answer was lost: yes, and the callback is not run again', async () => {
    const { db, primary } = makeClient();
    answer(primary, transactional({ onCommit: once(loseConnection, () => result('COMMIT')), settled: true }));
    let runs = 0;
    const value = await db.transaction(async (tx) => {
      await write(tx);
      return (runs += 1);
    });
    expect(value).toBe(1);
    expect(primary.texts).toContain(
      "SELECT schooldb.settle('00000000-0000-4000-8000-000000000001', 1) AS committed",
    );
  });

  it('asks what became of a COMMIT whose answer was lost: no, and the callback is run again under a new number', async () => {
    const { db, primary } = makeClient();
    answer(
      primary,
      transactional({ onCommit: once(loseConnection, () => result('COMMIT')), settled: false }),
    );
    let runs = 0;
    const value = await db.transaction(async (tx) => {
      await write(tx);
      return (runs += 1);
    });
    expect(value).toBe(2);
    expect(primary.texts.filter((text) => text.includes('schooldb.mark'))).toEqual([
      "SELECT schooldb.mark('00000000-0000-4000-8000-000000000001', 1)",
      "SELECT schooldb.mark('00000000-0000-4000-8000-000000000001', 2)",
    ]);
  });

  it('says that the outcome is unknown, with a token to ask by, when nobody answers before the deadline', async () => {
    const { db, clock, primary } = makeClient();
    answer(
      primary,
      transactional({
        onCommit: (text, wire) => {
          primary.refusal = sqlError('ECONNREFUSED');
          return loseConnection(text, wire);
        },
      }),
    );
    const refused = expect(db.transaction(write, { deadlineMs: 5_000 })).rejects.toMatchObject({
      code: 'SCHOOLDB_COMMIT_OUTCOME_UNKNOWN',
      outcome: 'unknown',
      token: expect.stringMatching(/^[\w-]{59}$/),
    });
    await clock.advance(5_000);
    await refused;
  });

  it('does not ask another cluster', async () => {
    const { db, primary, behind } = makeClient();
    const restored = new FakeServer({ systemId: '2' });
    answer(restored, transactional({ settled: false }));
    answer(
      primary,
      transactional({
        onCommit: (text, wire) => {
          behind['master'] = restored;
          return loseConnection(text, wire);
        },
      }),
    );
    await expect(db.transaction(write)).rejects.toMatchObject({
      code: 'SCHOOLDB_COMMIT_OUTCOME_UNKNOWN',
    });
    expect(restored.texts.join()).not.toContain('schooldb.settle');
  });

  it('does not take a commit for certain whose wait for the standby was given up, until a later one proves it', async () => {
    const { db, primary } = makeClient();
    const unconfirmed: Answer = (_text, wire) => {
      wire.notify({ severity: 'WARNING', code: '01000', routine: 'SyncRepWaitForLSN' });
      return result('COMMIT');
    };
    answer(primary, transactional({ onCommit: once(unconfirmed, () => result('COMMIT')), settled: true }));
    let runs = 0;
    await db.transaction(async (tx) => {
      runs += 1;
      await write(tx);
    });
    expect([runs, primary.texts.some((text) => text.includes('settle'))]).toEqual([1, true]);
    answer(primary, transactional({ onCommit: unconfirmed }));
    await expect(db.transaction(write, { exactlyOnce: false })).rejects.toMatchObject({
      code: 'SCHOOLDB_COMMIT_UNCONFIRMED',
      committedLocally: true,
    });
  });

  it('does not take COMMIT of a failed transaction for a success', async () => {
    const { db, primary } = makeClient();
    answer(primary, transactional({ onCommit: () => result('ROLLBACK') }));
    await expect(db.transaction(async () => {})).rejects.toMatchObject({
      code: 'SCHOOLDB_TRANSACTION_ROLLED_BACK',
    });
  });

  it('runs without a mark where the schema is missing, and says so once', async () => {
    const { db, primary } = makeClient();
    primary.hasCommitSlots = false;
    answer(primary, transactional());
    const told: string[] = [];
    db.on('exactly-once:unavailable', ({ reason }) => told.push(reason));
    await db.transaction(async () => {});
    await db.transaction(async () => {});
    expect(told).toHaveLength(1);
    expect(primary.texts.join()).not.toContain('schooldb.mark');
    await expect(db.transaction(async () => {}, { exactlyOnce: true })).rejects.toMatchObject({
      code: 'SCHOOLDB_EXACTLY_ONCE_UNAVAILABLE',
    });
  });

  it('answers its caller by the deadline while the callback waits for something else', async () => {
    const { db, clock, primary } = makeClient();
    answer(primary, transactional());
    const refused = expect(db.transaction(() => SILENCE, { deadlineMs: 1_000 })).rejects.toMatchObject({
      code: 'SCHOOLDB_DEADLINE_EXCEEDED',
      outcome: 'not-executed',
    });
    await clock.advance(1_000);
    await refused;
  });

  it('refuses statements that would end it, and statements after its end', async () => {
    const { db, primary } = makeClient();
    answer(primary, transactional());
    await expect(db.transaction((tx) => tx.query('/* sly */ COMMIT'))).rejects.toThrow(
      'COMMIT inside transaction()',
    );
    const escaped = await db.transaction(async (tx) => ({ tx }));
    await expect(escaped.tx.query('INSERT x')).rejects.toThrow('the transaction is over');
  });
});
