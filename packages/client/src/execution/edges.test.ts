/** The rare ends of an attempt, seen through the whole client above the wire. */
import { describe, expect, it } from 'vitest';
import { answer, loseConnection, makeClient, once, transactional } from '../../test/support/fake-client.ts';
import type { Answer, FakeServer } from '../../test/support/fake-server.ts';
import { SILENCE, result, sqlError } from '../../test/support/fake-server.ts';

const ONCE = { exactlyOnce: true };
const POOLED = {
  endpoints: { master: 'master', masterPooler: 'masterPooler' },
  prefer: 'pooler',
} as const;
/** Parsed, behind a pooler: it must be one that can be. */
const INSERT = 'INSERT INTO x VALUES (1)';
const OTHER = 'INSERT INTO y VALUES (1)';
const OTHER_RETURNING = `${OTHER} RETURNING n`;
type Client = ReturnType<typeof makeClient>['db'];
const GUARD = expect.stringContaining('schooldb: not the primary') as string;

/** Somebody cancels BEGIN itself; the rest of the packet runs, each statement by itself. */
function beginCancelled(rest: Answer): Answer {
  return (text, wire) => {
    if (text === 'BEGIN') throw sqlError('57014');
    if (text === 'COMMIT') return result('COMMIT');
    return rest(text, wire);
  };
}

function becomePrimary(server: FakeServer, timeline: number): void {
  Object.assign(server, { identity: { ...server.identity, role: 'primary', timeline } });
}

describe('an exactlyOnce statement whose BEGIN was cancelled', () => {
  it.each(['INSERT x', 'INSERT x RETURNING id'])('is done when it was answered: %s', async (text) => {
    const { db, primary } = makeClient();
    answer(
      primary,
      beginCancelled(() => result('INSERT', [{ id: 1 }])),
    );
    expect((await db.write(text, [], ONCE)).rows).toEqual([{ id: 1 }]);
    expect(primary.texts.filter((each) => each === text)).toHaveLength(1);
  });

  it('is refused when it was refused', async () => {
    const { db, primary } = makeClient();
    answer(
      primary,
      beginCancelled(() => {
        throw sqlError('23505');
      }),
    );
    await expect(db.write('INSERT x', [], ONCE)).rejects.toMatchObject({ code: '23505' });
  });

  it('is unknown when its answer was lost: the mark behind it proves nothing', async () => {
    const { db, primary } = makeClient();
    answer(primary, beginCancelled(loseConnection));
    await expect(db.write('INSERT x', [], ONCE)).rejects.toMatchObject({
      code: 'SCHOOLDB_COMMIT_OUTCOME_UNKNOWN',
      token: undefined,
    });
  });

  it('is unconfirmed when the wait for its standby was given up', async () => {
    const { db, primary } = makeClient();
    answer(
      primary,
      beginCancelled((text, wire) => {
        if (text === 'INSERT x') wire.notify({ code: '01000', routine: 'SyncRepWaitForLSN' });
        return result('INSERT');
      }),
    );
    await expect(db.write('INSERT x', [], ONCE)).rejects.toMatchObject({
      code: 'SCHOOLDB_COMMIT_UNCONFIRMED',
    });
  });
});

describe('an exactlyOnce statement that returns rows', () => {
  it('is rolled back when it was refused', async () => {
    const { db, primary } = makeClient();
    const duplicate: Answer = () => {
      throw sqlError('23505');
    };
    answer(primary, transactional({ onStatement: duplicate }));
    await expect(db.write('INSERT x RETURNING id', [], ONCE)).rejects.toMatchObject({ code: '23505' });
    expect(primary.texts.at(-1)).toBe('ROLLBACK');
    await db.close();
  });

  it('is repeated when its connection broke before COMMIT', async () => {
    const { db, primary } = makeClient();
    answer(primary, transactional({ onStatement: once(loseConnection, () => result('INSERT')) }));
    await db.write('INSERT x RETURNING id', [], ONCE);
    expect(primary.texts.filter((text) => text.startsWith('INSERT'))).toHaveLength(2);
    await db.close();
  });
});

describe('an idempotent statement that was lost once', () => {
  it("passes the app's own error on when it is repeated", async () => {
    const { db, primary } = makeClient();
    const refused: Answer = () => {
      throw sqlError('23514');
    };
    answer(primary, once(loseConnection, refused));
    await expect(db.write('UPDATE x', [], { safety: 'idempotent' })).rejects.toMatchObject({ code: '23514' });
    await db.close();
  });
});

describe('behind a pooler', () => {
  it('a transaction asks which server it runs on, and moves when that is the wrong one', async () => {
    const { db, primary, standby, behind } = makeClient(POOLED);
    for (const server of [primary, standby]) answer(server, transactional());
    await db.transaction((tx) => tx.query(INSERT));
    expect(primary.texts).toContainEqual(GUARD);
    becomePrimary(standby, 2);
    behind['master'] = standby;
    await db.write('VACUUM');
    await db.transaction((tx) => tx.query(OTHER));
    expect([primary.texts, standby.texts].map((texts) => texts.includes(OTHER))).toEqual([false, true]);
    await db.close();
  });

  it.each([
    ['a statement', (db: Client) => db.write(OTHER)],
    ['an exactlyOnce statement that returns rows', (db: Client) => db.write(OTHER_RETURNING, [], ONCE)],
    ['a transaction', (db: Client) => db.transaction((tx) => tx.query(OTHER))],
  ])(
    '%s is refused by the guard when the pooler has moved to a standby, and goes elsewhere',
    async (_what, run) => {
      const { db, primary, standby, behind } = makeClient(POOLED);
      for (const server of [primary, standby]) answer(server, transactional());
      await db.write(INSERT);
      // The pooler keeps its clients, and has attached their connections to another server.
      Object.assign(primary, { identity: { ...primary.identity, role: 'standby', timeline: null } });
      becomePrimary(standby, 2);
      behind['master'] = standby;
      await run(db);
      const others = (server: FakeServer) => server.texts.filter((text) => text.startsWith(OTHER)).length;
      expect(others(standby)).toBe(1);
      expect(db.health().endpoints.masterPooler).toMatchObject({ state: 'down' });
      await db.close();
    },
  );

  it('a transaction whose server is replaced under it is run again on the new one', async () => {
    const { db, primary, standby, behind } = makeClient(POOLED);
    for (const server of [primary, standby]) answer(server, transactional());
    let runs = 0;
    await db.transaction(async (tx) => {
      runs += 1;
      await tx.query(INSERT);
      if (runs > 1) return;
      becomePrimary(standby, 2);
      Object.assign(behind, { master: standby, masterPooler: standby });
      await db.write('VACUUM');
      await tx.query(OTHER);
    });
    expect(runs).toBe(2);
    expect(primary.texts).not.toContain(OTHER);
    expect(standby.texts).toEqual(expect.arrayContaining([INSERT, 'COMMIT']));
    await db.close();
  });

  it('a transaction that needs a session of its own is run again on a direct connection', async () => {
    const { db, primary } = makeClient(POOLED);
    answer(primary, transactional());
    let runs = 0;
    await db.transaction(async (tx) => {
      runs += 1;
      await tx.query(INSERT);
      await tx.query("SET search_path = 'school'").catch((cause: unknown) => {
        throw new Error('wrapped', { cause });
      });
    });
    expect(runs).toBe(2);
    expect(primary.texts.filter((text) => text.startsWith('SET search_path'))).toHaveLength(1);
    await db.close();
  });

  it('sends nothing of a transaction that is over, though its statement was being looked at', async () => {
    const { db, primary } = makeClient(POOLED);
    answer(primary, transactional());
    await db.write(INSERT);
    const before = primary.texts.length;
    let late: Promise<unknown> = Promise.resolve();
    const veto = new Error('veto');
    const vetoed = db.transaction(async (tx) => {
      late = tx.query(OTHER);
      late.catch(() => {});
      throw veto;
    });
    await expect(vetoed).rejects.toBe(veto);
    await expect(late).rejects.toMatchObject({ code: 'SCHOOLDB_STATEMENT_REFUSED' });
    expect(primary.texts.slice(before)).not.toContain(OTHER);
    await db.close();
  });

  it('waits with COMMIT for statements that the callback began and did not wait for', async () => {
    const { db, primary } = makeClient(POOLED);
    answer(primary, transactional());
    await db.transaction(async (tx) => void tx.query(OTHER));
    expect(primary.texts.indexOf(OTHER)).toBeLessThan(primary.texts.indexOf('COMMIT'));
    expect(primary.texts).toContain(OTHER);
    await db.close();
  });

  it('commits nothing without a statement that it could not send, though the callback swallowed that', async () => {
    const { db, primary } = makeClient(POOLED);
    answer(primary, transactional());
    let runs = 0;
    await db.transaction(async (tx) => {
      runs += 1;
      await tx.query('CREATE TEMP TABLE t (n integer)').catch(() => {});
      await tx.query(INSERT);
    });
    expect(runs).toBe(2);
    expect(primary.texts.filter((text) => text === 'COMMIT')).toHaveLength(1);
    await db.close();
  });

  it('asks which server it is for reads that must be fresh as well', async () => {
    const { db, primary } = makeClient(POOLED);
    answer(primary, transactional({ onStatement: () => result('SELECT', [{ n: 1 }]) }));
    await db.write(INSERT);
    const before = primary.texts.length;
    expect((await db.query('SELECT n FROM x')).rows).toEqual([{ n: 1 }]);
    expect(primary.texts.slice(before)).toEqual(['BEGIN', GUARD, 'SELECT n FROM x', 'COMMIT']);
    await db.close();
  });

  it('repeats an idempotent statement whose COMMIT was lost', async () => {
    const { db, primary } = makeClient(POOLED);
    answer(primary, transactional({ onCommit: once(loseConnection, () => result('COMMIT')) }));
    await db.write(INSERT, [], { safety: 'idempotent' });
    expect(primary.texts.filter((text) => text === INSERT)).toHaveLength(2);
    await db.close();
  });

  it('a statement without a mark is unknown when its COMMIT was not answered', async () => {
    const { db, primary } = makeClient(POOLED);
    answer(primary, transactional({ onCommit: loseConnection }));
    await expect(db.write(INSERT)).rejects.toMatchObject({
      code: 'SCHOOLDB_COMMIT_OUTCOME_UNKNOWN',
      token: undefined,
    });
    await db.close();
  });

  it('a statement whose COMMIT is not answered by the deadline is unknown', async () => {
    const { db, clock, primary } = makeClient({ ...POOLED, deadlineMs: 400 });
    answer(primary, transactional());
    await db.write(INSERT);
    answer(primary, transactional({ onCommit: () => SILENCE }));
    const expected = expect(db.write(INSERT)).rejects.toMatchObject({
      code: 'SCHOOLDB_DEADLINE_EXCEEDED',
      outcome: 'unknown',
    });
    await clock.advance(500);
    await expected;
    await db.close();
  });

  it('a statement whose commit nobody confirmed says so', async () => {
    const { db, primary } = makeClient(POOLED);
    const unconfirmed: Answer = (_text, wire) => {
      wire.notify({ code: '01000', routine: 'SyncRepWaitForLSN' });
      return result('COMMIT');
    };
    answer(primary, transactional({ onCommit: unconfirmed }));
    await expect(db.write(INSERT)).rejects.toMatchObject({ code: 'SCHOOLDB_COMMIT_UNCONFIRMED' });
    await db.close();
  });

  it('leaves 25006 to the app: the guard has shown that it is the primary', async () => {
    const { db, primary } = makeClient(POOLED);
    const refused: Answer = () => {
      throw sqlError('25006');
    };
    answer(primary, transactional({ onStatement: refused }));
    await expect(db.write(INSERT)).rejects.toMatchObject({ code: '25006' });
    await db.close();
  });
});

describe('a lost COMMIT', () => {
  const lostOnce = (settled: boolean | undefined) =>
    transactional({
      onCommit: once(loseConnection, () => result('COMMIT')),
      ...(settled === undefined ? {} : { settled }),
    });

  it('stays unknown where the address leads to another cluster now', async () => {
    const { db, primary, standby, behind } = makeClient();
    Object.assign(standby, { identity: { server: 'pg9', systemId: '2', role: 'primary', timeline: 1 } });
    answer(
      primary,
      transactional({
        onCommit: (_text, wire) => {
          behind['master'] = standby;
          wire.destroy(sqlError('ECONNRESET'));
          return SILENCE;
        },
      }),
    );
    await expect(db.write('INSERT x', [], ONCE)).rejects.toMatchObject({
      code: 'SCHOOLDB_COMMIT_OUTCOME_UNKNOWN',
      message: expect.stringContaining('another cluster') as string,
    });
    await db.close();
  });

  it('is asked about again while the answer is not confirmed by the standby', async () => {
    const { db, clock, primary } = makeClient();
    let asked = 0;
    const ended = lostOnce(true);
    answer(primary, (text, wire) => {
      if (text.startsWith('SELECT schooldb.settle')) {
        asked += 1;
        if (asked < 3) wire.notify({ code: '01000', routine: 'SyncRepWaitForLSN' });
      }
      return ended(text, wire);
    });
    const writing = db.write('INSERT x', [], ONCE);
    await clock.advance(5_000);
    expect((await writing).command).toBe('INSERT');
    expect(asked).toBe(3);
    await db.close();
  });

  it('is asked about again where the server refused to be asked for a moment', async () => {
    const { db, clock, primary } = makeClient();
    const rejected: Answer = (_text, wire) => {
      primary.refusal = sqlError('28000');
      wire.destroy(sqlError('ECONNRESET'));
      return SILENCE;
    };
    answer(primary, transactional({ onCommit: once(rejected, () => result('COMMIT')), settled: true }));
    const writing = db.write('INSERT x', [], ONCE);
    await clock.advance(100);
    primary.refusal = undefined;
    await clock.advance(5_000);
    expect(await writing).toBeDefined();
    await db.close();
  });

  it('stays unknown when the client is closed while it asks', async () => {
    const { db, clock, primary } = makeClient({ closeTimeoutMs: 100 });
    answer(
      primary,
      transactional({
        onCommit: (_text, wire) => {
          primary.refusal = sqlError('ECONNREFUSED');
          wire.destroy(sqlError('ECONNRESET'));
          return SILENCE;
        },
      }),
    );
    const expected = expect(db.write('INSERT x', [], ONCE)).rejects.toMatchObject({
      code: 'SCHOOLDB_COMMIT_OUTCOME_UNKNOWN',
    });
    await clock.advance(50);
    const closing = db.close();
    await clock.advance(1_000);
    await expected;
    await closing;
  });
});

describe('a transaction', () => {
  it('passes on what is thrown, also where it is no error', async () => {
    const { db, primary } = makeClient();
    answer(primary, transactional());
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- an app may do just that
    await expect(db.transaction(() => Promise.reject('veto'))).rejects.toBe('veto');
    await db.close();
  });

  it('passes on that its BEGIN was refused', async () => {
    const { db, primary } = makeClient();
    answer(primary, () => {
      throw sqlError('57014');
    });
    await expect(db.transaction((tx) => tx.query('INSERT x'))).rejects.toMatchObject({ code: '57014' });
    await db.close();
  });

  it('is run again when its connection was gone before COMMIT could be sent', async () => {
    const { db, primary } = makeClient();
    answer(primary, transactional());
    let runs = 0;
    await db.transaction(async (tx) => {
      runs += 1;
      await tx.query('INSERT x');
      if (runs === 1) primary.die();
    });
    expect(runs).toBe(2);
    await db.close();
  });
});

describe('a read on a standby', () => {
  it.each(['25006', '0A000', '55000'])('that refuses it with %s is done on the primary', async (code) => {
    const { db, primary, standby } = makeClient();
    answer(standby, () => {
      throw sqlError(code);
    });
    answer(primary, () => result('SELECT', [{ n: 1 }]));
    expect((await db.read('SELECT n FROM unlogged')).rows).toEqual([{ n: 1 }]);
    await db.close();
  });

  it("passes the app's own errors on", async () => {
    const { db, standby } = makeClient();
    answer(standby, () => {
      throw sqlError('42P01');
    });
    await expect(db.read('SELECT n FROM nowhere')).rejects.toMatchObject({ code: '42P01' });
    await db.close();
  });
});

describe('an exactlyOnce statement that can not run in a transaction', () => {
  it.each(['25001', '2D000'])('is refused with the way out (%s)', async (code) => {
    const { db, primary } = makeClient();
    const onStatement: Answer = () => {
      throw sqlError(code);
    };
    answer(primary, transactional({ onStatement, onCommit: () => result('ROLLBACK') }));
    const running = db.write('VACUUM t', [], ONCE);
    await expect(running).rejects.toMatchObject({ code: 'SCHOOLDB_STATEMENT_REFUSED', cause: { code } });
    await expect(running).rejects.toThrow('leave exactlyOnce out');
  });
});
