/** Advisory locks against a server that exists only as its answers, on a virtual clock. */
import { describe, expect, it, vi } from 'vitest';
import { LOCK, TRY_LOCK, UNLOCK } from '../wire/sql.ts';
import { answer, loseConnection, makeClient } from '../../test/support/fake-client.ts';
import type { Answer } from '../../test/support/fake-server.ts';
import { SILENCE, result, sqlError } from '../../test/support/fake-server.ts';
import { settle } from '../../test/support/virtual-clock.ts';

/** A lock that is free, but for what is changed. */
function lockable({
  onLock,
  unlocked = true,
}: { onLock?: Answer; unlocked?: boolean | Answer } = {}): Answer {
  return (text, wire) => {
    if (text === TRY_LOCK) return onLock?.(text, wire) ?? result('SELECT', [{ locked: true }]);
    if (text === LOCK) return onLock?.(text, wire) ?? result('SELECT');
    if (text !== UNLOCK) return result('SELECT');
    return typeof unlocked === 'function' ? unlocked(text, wire) : result('SELECT', [{ unlocked }]);
  };
}

function failing(code: string): Answer {
  return () => {
    throw sqlError(code);
  };
}

describe('withAdvisoryLock', () => {
  it('holds the lock while the callback runs, and gives it and the connection back', async () => {
    const { db, primary } = makeClient();
    answer(primary, lockable());
    const value = await db.withAdvisoryLock('nightly', async ({ query }) => {
      await query('SELECT 1');
      expect(primary.texts).not.toContain(UNLOCK);
      return 7;
    });
    expect(value).toBe(7);
    expect(primary.texts.at(-1)).toBe(UNLOCK);
    expect(primary.wires.size).toBe(1);
  });

  it.each([
    ['at once', false, { onLock: () => result('SELECT', [{ locked: false }]) }, ''],
    ['after waiting', 250, { onLock: failing('55P03') }, ', after waiting 250 ms'],
  ])('says %s that somebody else holds it', async (_when, wait, busy, waited) => {
    const { db, primary } = makeClient();
    answer(primary, lockable(busy));
    const use = vi.fn(() => Promise.resolve());
    await expect(db.withAdvisoryLock(12n, use, { wait })).rejects.toMatchObject({
      code: 'SCHOOLDB_LOCK_BUSY',
      message: `the advisory lock 12 is held by somebody else${waited}`,
    });
    expect(use).not.toHaveBeenCalled();
  });

  it('passes on what the server says otherwise', async () => {
    const { db, primary } = makeClient();
    answer(primary, lockable({ onLock: failing('42501') }));
    await expect(db.withAdvisoryLock(1n, () => Promise.resolve())).rejects.toMatchObject({ code: '42501' });
  });

  it('says that the connection was lost, or the deadline over, while it waited', async () => {
    const { db, primary, clock } = makeClient();
    answer(primary, lockable({ onLock: loseConnection }));
    await expect(db.withAdvisoryLock(1n, () => Promise.resolve())).rejects.toMatchObject({
      code: 'SCHOOLDB_CONNECTION_LOST',
      outcome: 'not-executed',
    });
    answer(primary, lockable({ onLock: () => SILENCE }));
    const waiting = expect(
      db.withAdvisoryLock(1n, () => Promise.resolve(), { deadlineMs: 3_000 }),
    ).rejects.toMatchObject({ code: 'SCHOOLDB_DEADLINE_EXCEEDED', outcome: 'not-executed' });
    await clock.advance(3_000);
    await waiting;
  });

  it('gives the lock back when the callback fails, and throws what it threw', async () => {
    const { db, primary } = makeClient();
    answer(primary, lockable());
    const broken = new Error('broken');
    await expect(db.withAdvisoryLock(1n, () => Promise.reject(broken))).rejects.toBe(broken);
    expect(primary.texts.at(-1)).toBe(UNLOCK);
  });

  it('ends a transaction that the callback has left open before it unlocks', async () => {
    const { db, primary } = makeClient();
    answer(primary, lockable());
    await db.withAdvisoryLock(1n, ({ query }) => query('BEGIN'));
    expect(primary.texts.slice(-2)).toEqual(['ROLLBACK', UNLOCK]);
  });

  it('tells its holder of a newer primary at once, whatever the old one still owes', async () => {
    const { db, primary, standby, behind } = makeClient();
    const unlocked = lockable();
    answer(primary, (text, wire) => (text.startsWith('INSERT') ? SILENCE : unlocked(text, wire)));
    const onLost = vi.fn();
    const holding = db.withAdvisoryLock(1n, async ({ query, signal }) => {
      signal.addEventListener('abort', onLost);
      await query('INSERT INTO t VALUES (1)');
    });
    const lost = expect(holding).rejects.toMatchObject({
      code: 'SCHOOLDB_CONNECTION_LOST',
      outcome: 'unknown',
    });
    await settle();
    Object.assign(standby.identity, { role: 'primary', timeline: 2 });
    behind['master'] = standby;
    await db.write('INSERT INTO t VALUES (2)');
    expect(onLost).toHaveBeenCalledOnce();
    await lost;
  });

  it.each<[string, boolean | Answer]>([
    ['it was not held any more', false],
    ['unlocking fails', failing('57014')],
    ['the connection is lost under it', loseConnection],
  ])(
    'rejects, although the callback went well, where %s, and closes the connection',
    async (_what, unlocked) => {
      const { db, primary } = makeClient();
      answer(primary, lockable({ unlocked }));
      await expect(db.withAdvisoryLock(1n, () => Promise.resolve('well'))).rejects.toMatchObject({
        code: 'SCHOOLDB_CONNECTION_LOST',
        outcome: 'unknown',
        message: expect.stringContaining('the advisory lock 1 was lost while its callback ran') as unknown,
      });
      expect(primary.wires.size).toBe(0);
    },
  );
});
