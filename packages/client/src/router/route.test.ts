/** Which server a statement reaches, seen through the whole client above the wire. */
import { describe, expect, it } from 'vitest';
import { answer, loseConnection, makeClient, once, transactional } from '../../test/support/fake-client.ts';
import { FakeServer, SILENCE, result, sqlError } from '../../test/support/fake-server.ts';
import { settle } from '../../test/support/virtual-clock.ts';

const POOLERS = {
  endpoints: { master: 'master', replica: 'replica', masterPooler: 'masterPooler' },
} as const;

/** The app's own statements that a server was sent. */
function sent(server: FakeServer): string[] {
  return server.texts.filter((text) => /^(?:SELECT n|INSERT|UPDATE|VACUUM)/.test(text));
}

function refuse(code: string) {
  return () => {
    throw sqlError(code);
  };
}

describe('query', () => {
  it('sends a plain SELECT to a replica and everything else to the primary', async () => {
    const { db, primary, standby } = makeClient();
    await db.query('SELECT n FROM t');
    await db.query('INSERT INTO t VALUES (1)');
    expect([sent(standby), sent(primary)]).toEqual([['SELECT n FROM t'], ['INSERT INTO t VALUES (1)']]);
    await db.close();
  });

  it('reads on the primary what a replica does not hold yet of this process, unless told that it may lag', async () => {
    for (const consistency of ['process', 'session', 'eventual'] as const) {
      const { db, clock, primary, standby } = makeClient({ consistency });
      primary.lsn = standby.lsn + 1;
      await db.write('INSERT INTO t VALUES (1)');
      const reading = db.query('SELECT n FROM t');
      await clock.advance(200);
      await reading;
      const by = sent(primary).includes('SELECT n FROM t') ? 'primary' : 'standby';
      expect([consistency, by]).toEqual([consistency, consistency === 'process' ? 'primary' : 'standby']);
      await db.close();
    }
  });

  it('sends what a standby refuses to the primary, and remembers it', async () => {
    const { db, primary, standby } = makeClient();
    answer(standby, refuse('25006'));
    await db.query('SELECT n FROM writes()', [], { safety: 'read' });
    expect([sent(standby).length, sent(primary).length]).toEqual([1, 1]);
    await db.close();
  });

  it('does not repeat on the primary what turned out to write', async () => {
    const { db, primary, standby } = makeClient();
    answer(standby, refuse('25006'));
    answer(primary, loseConnection);
    await expect(db.read('SELECT n FROM writes()')).rejects.toMatchObject({
      code: 'SCHOOLDB_COMMIT_OUTCOME_UNKNOWN',
    });
    expect(sent(primary)).toHaveLength(1);
    await db.close();
  });
});

describe('25006 from the master', () => {
  it("is the app's own where the server is the primary: a read-only transaction", async () => {
    const { db, primary } = makeClient();
    answer(primary, refuse('25006'));
    await expect(db.write('INSERT INTO t VALUES (1)')).rejects.toMatchObject({ code: '25006' });
    expect(sent(primary)).toHaveLength(1);
    await db.close();
  });

  it('means a demoted server where it has become a standby: its connections are ended, others tried', async () => {
    const { db, clock, primary, standby, behind } = makeClient();
    answer(primary, transactional());
    await db.write('INSERT INTO t VALUES (0)');
    // Demoted under a connection, which PostgreSQL does not do, but a proxy in front of it may.
    Object.assign(primary, { identity: { ...primary.identity, role: 'standby', timeline: null } });
    answer(primary, refuse('25006'));
    const promoted = { ...standby.identity, role: 'primary', timeline: 2 };
    Object.assign(standby, { identity: promoted });
    behind['master'] = standby;
    const writing = db.write('INSERT INTO t VALUES (1)');
    await clock.advance(1_000);
    expect((await writing).command).toBe('SELECT');
    expect([sent(primary).length, sent(standby)]).toEqual([2, ['INSERT INTO t VALUES (1)']]);
    expect(primary.wires.size).toBe(0);
    await db.close();
  });

  it('re-runs a whole transaction', async () => {
    const { db, clock, primary, standby, behind } = makeClient();
    await db.write('INSERT INTO t VALUES (0)');
    Object.assign(primary, { identity: { ...primary.identity, role: 'standby', timeline: null } });
    answer(primary, transactional({ onStatement: refuse('25006') }));
    Object.assign(standby, { identity: { ...standby.identity, role: 'primary', timeline: 2 } });
    answer(standby, transactional());
    behind['master'] = standby;
    const running = db.transaction((tx) => tx.query('UPDATE t SET n = 1'));
    await clock.advance(1_000);
    await running;
    expect(sent(standby)).toEqual(['UPDATE t SET n = 1']);
    await db.close();
  });
});

describe('poolers', () => {
  it('take over where the direct endpoint is saturated', async () => {
    const { db, primary } = makeClient({ ...POOLERS, maxConnections: 3 });
    const slow = (text: string) => (text === 'SELECT n FROM slow' ? SILENCE : result('INSERT'));
    answer(primary, transactional({ onStatement: slow }));
    db.query('SELECT n FROM slow', [], { safety: 'effectful' }).catch(() => {});
    await settle();
    await db.write('INSERT INTO t VALUES (1)');
    expect(primary.texts.slice(-4)).toEqual([
      'BEGIN',
      expect.stringContaining('not the primary'),
      'INSERT INTO t VALUES (1)',
      'COMMIT',
    ]);
  });

  it('come first where they are preferred, and get no session settings', async () => {
    const { db, primary } = makeClient({ ...POOLERS, prefer: 'pooler' });
    answer(primary, transactional());
    await db.transaction((tx) => tx.query('INSERT INTO t VALUES (1)'));
    expect(primary.texts.some((text) => text.startsWith('SET '))).toBe(false);
    expect(primary.texts).toContainEqual(expect.stringContaining('not the primary'));
    await db.close();
  });

  it('are put aside while they lead to a demoted server, and used again when they do not', async () => {
    const { db, clock, primary, standby, behind } = makeClient({ ...POOLERS, prefer: 'pooler' });
    const pooler = () => db.health().endpoints.masterPooler?.state;
    for (const server of [primary, standby]) answer(server, transactional());
    await db.write('INSERT INTO t VALUES (1)');
    // The old primary lives on, on its old timeline, and the pooler stays with it.
    Object.assign(standby, { identity: { ...standby.identity, role: 'primary', timeline: 2 } });
    behind['master'] = standby;
    await db.write('VACUUM t');
    await db.write('INSERT INTO t VALUES (2)');
    expect(sent(standby)).toEqual(['VACUUM t', 'INSERT INTO t VALUES (2)']);
    expect(pooler()).toBe('down');
    behind['masterPooler'] = standby;
    await clock.advance(15_000);
    expect(pooler()).toBe('up');
    await db.close();
  });

  it('serve those who wait, where they are back before the master is', async () => {
    const { db, clock, primary, behind } = makeClient(POOLERS);
    answer(primary, transactional());
    const away = new FakeServer();
    away.refusal = sqlError('ECONNREFUSED');
    Object.assign(behind, { master: away, masterPooler: away });
    const writing = db.write('INSERT INTO t VALUES (1)');
    await clock.advance(5_000);
    behind['masterPooler'] = primary;
    await clock.advance(1_000);
    await writing;
    expect(db.health().endpoints.master.waiting).toBe(0);
    await db.close();
  });

  it('never get what needs a session of its own', async () => {
    const { db, primary } = makeClient({ ...POOLERS, prefer: 'pooler' });
    await db.write('VACUUM t');
    expect(primary.texts).not.toContainEqual(expect.stringContaining('not the primary'));
    await db.close();
  });
});

describe('readOnlyWhenNoPrimary', () => {
  it.each([
    [true, 'the replica'],
    [false, 'nobody before the deadline'],
  ])('%s: a read that belongs to the primary is answered by %s', async (readOnlyWhenNoPrimary, by) => {
    const { db, clock, primary, standby } = makeClient({ readOnlyWhenNoPrimary, deadlineMs: 5_000 });
    primary.lsn = standby.lsn + 1;
    await db.write('INSERT INTO t VALUES (1)');
    primary.refusal = sqlError('ECONNREFUSED');
    primary.die();
    const reading = db.query('SELECT n FROM t').then(
      () => 'the replica',
      () => 'nobody before the deadline',
    );
    await clock.advance(6_000);
    expect(await reading).toBe(by);
    // Sent together with the question how far it is, and its answer thrown away.
    expect(sent(standby).length).toBe(readOnlyWhenNoPrimary ? 2 : 1);
    await db.close();
  });
});

describe('retries', () => {
  it('stay within the budget of the whole client, however many callers there are', async () => {
    const { db, clock, standby, primary } = makeClient({ deadlineMs: 10_000 });
    let attempts = 0;
    for (const server of [primary, standby]) {
      answer(server, () => {
        attempts += 1;
        throw sqlError('40001');
      });
    }
    const callers = 200;
    const all = Array.from({ length: callers }, () => db.read('SELECT n FROM t').catch(() => {}));
    await clock.advance(10_000);
    await Promise.all(all);
    // Two attempts each are free; then what is saved up, and ten a second.
    expect(attempts).toBeLessThanOrEqual(2 * callers + 100 + 10 * 10 + 1);
    await db.close();
  });

  it('go on after a lost connection on a server that is well', async () => {
    const { db, primary } = makeClient();
    answer(
      primary,
      once(loseConnection, () => result('UPDATE')),
    );
    await db.write('UPDATE t SET n = 1', [], { safety: 'idempotent' });
    expect(sent(primary)).toHaveLength(2);
    await db.close();
  });
});
