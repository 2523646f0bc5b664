/** What reads must not miss, seen through the whole client above the wire. */
import { describe, expect, it } from 'vitest';
import { answer, loseConnection, makeClient, once, transactional } from '../../test/support/fake-client.ts';
import { FakeServer, SILENCE, result, sqlError } from '../../test/support/fake-server.ts';
import { settle } from '../../test/support/virtual-clock.ts';
import { CATCH_UP } from '../execution/proof.ts';
import { readSessionToken, sessionTokenOf } from '../router/session-token.ts';
import { Watermark } from '../policy/watermark.ts';
import {
  ASK_REPLAYED,
  ASK_REPLAYED_AND_LINEAGE,
  BEGIN_READ_BY_READ,
  POSITION_FLUSHED,
  POSITION_INSERTED,
} from '../wire/sql.ts';

const READ = 'SELECT n FROM t';
const WRITE = 'INSERT INTO t VALUES (1)';
const POSITION = { systemId: '1', timeline: 1, lsn: 100n };

function readsOn({ texts }: FakeServer): number {
  return texts.filter((text) => text === READ).length;
}

/** Everything that a server was sent from now on, in its order. */
function watch(server: FakeServer): string[] {
  const sent: string[] = [];
  const before = server.answer;
  server.answer = (text, wire) => {
    sent.push(text);
    return before(text, wire);
  };
  return sent;
}

describe('a read after a write', () => {
  it('is served by a replica that says before it that it holds the write, and is not asked again', async () => {
    const { db, standby } = makeClient();
    await db.write(WRITE);
    await db.query(READ);
    const sent = watch(standby);
    await db.query(READ);
    await db.write(WRITE);
    standby.lsn += 1;
    expect(sent).toEqual([READ]);
    expect(standby.questions).toEqual([ASK_REPLAYED_AND_LINEAGE]);
    await db.close();
  });

  it('asks for the timeline once, and then for the position alone', async () => {
    const { db, primary, standby } = makeClient();
    await db.write(WRITE);
    await db.query(READ);
    for (const server of [primary, standby]) server.lsn += 1;
    await db.write(WRITE);
    const sent = watch(standby);
    await db.query(READ);
    expect(sent).toEqual([ASK_REPLAYED, READ]);
    await db.close();
  });

  it('waits a little for a replica that is behind', async () => {
    const { db, clock, primary, standby } = makeClient();
    primary.lsn = standby.lsn + 1;
    await db.write(WRITE);
    const reading = db.query(READ);
    await clock.advance(CATCH_UP.forMs / 2);
    standby.lsn = primary.lsn;
    await clock.advance(CATCH_UP.forMs / 2);
    await reading;
    expect([readsOn(primary), readsOn(standby)]).toEqual([0, 2]);
    await db.close();
  });

  it('goes to the primary after that, and for a while without waiting', async () => {
    const { db, clock, primary, standby } = makeClient();
    primary.lsn = standby.lsn + 1;
    await db.write(WRITE);
    const reading = db.query(READ);
    await clock.advance(CATCH_UP.forMs);
    await reading;
    // No time passes.
    await db.query(READ);
    expect(readsOn(primary)).toBe(2);
    await db.close();
  });

  it('is not told of what a replica lacks: a table that is not there yet', async () => {
    const { db, clock, primary, standby } = makeClient();
    primary.lsn = standby.lsn + 1;
    await db.write('CREATE TABLE t (n integer)');
    answer(standby, () => {
      throw sqlError('42P01');
    });
    const reading = db.query(READ);
    await clock.advance(CATCH_UP.forMs);
    await reading;
    expect(readsOn(primary)).toBe(1);
    await db.close();
  });

  it.each([
    ['follows no timeline', { streams: null, lsn: 999 }],
    ['follows another timeline', { streams: 2, lsn: 999 }],
    ['can not say what it follows', { hasLineage: false }],
  ])('goes to the primary at once where the replica %s', async (_what, state) => {
    const { db, primary, standby } = makeClient();
    Object.assign(standby, state);
    await db.write(WRITE);
    await db.query(READ);
    expect(readsOn(primary)).toBe(1);
    await db.close();
  });

  it('goes to the primary once where the position of the write was lost, and learns it there', async () => {
    const { db, primary, standby } = makeClient();
    answer(primary, (text, wire) => {
      // Answered, and the connection breaks before the question behind it is.
      if (text === WRITE) void Promise.resolve().then(() => wire.destroy(sqlError('ECONNRESET')));
      return result('INSERT');
    });
    primary.answer = ((inner) => (text, wire) => {
      if (text === POSITION_FLUSHED) return new Promise(() => {});
      return inner(text, wire);
    })(primary.answer);
    await db.write(WRITE);
    await db.query(READ);
    await db.query(READ);
    expect([readsOn(primary), readsOn(standby)]).toEqual([1, 1]);
    expect(primary.questions).toContain(POSITION_INSERTED);
    await db.close();
  });

  it.each([
    ['fails', () => Promise.reject(sqlError('57014'))],
    ['says nothing of use', () => Promise.resolve(result('SELECT', [{ lsn: null, timeline: 1 }]))],
  ])('goes to the primary where the question behind the write %s', async (_what, answerToQuestion) => {
    const { db, primary } = makeClient();
    primary.answer = ((inner) => (text, wire) =>
      text === POSITION_FLUSHED ? answerToQuestion() : inner(text, wire))(primary.answer);
    await db.write(WRITE);
    await db.query(READ);
    expect(readsOn(primary)).toBe(1);
    await db.close();
  });

  it('need not see what nobody knows to be written', async () => {
    const { db, primary, standby } = makeClient();
    const session = db.session();
    answer(primary, loseConnection);
    await expect(session.write(WRITE)).rejects.toMatchObject({ outcome: 'unknown' });
    await session.read(READ);
    expect(readsOn(standby)).toBe(1);
    await db.close();
  });

  it('goes to the primary where a lost COMMIT turned out to be done', async () => {
    const { db, clock, primary } = makeClient();
    answer(primary, transactional({ onCommit: once(loseConnection, () => result('COMMIT')), settled: true }));
    const writing = db.write(WRITE, [], { exactlyOnce: true });
    await clock.advance(1_000);
    await writing;
    await db.query(READ);
    expect(readsOn(primary)).toBe(1);
    await db.close();
  });

  it('asks behind a transaction that may not wait for the disk for all there is', async () => {
    const { db, primary } = makeClient();
    answer(primary, transactional());
    await db.transaction((tx) => tx.query(WRITE));
    await db.transaction(async (tx) => {
      await tx.query('SET LOCAL synchronous_commit = off');
      await tx.query(WRITE);
    });
    expect(primary.questions).toEqual([POSITION_FLUSHED, POSITION_INSERTED]);
    await db.close();
  });

  it('asks for no position where nobody would use it', async () => {
    const single = makeClient({ endpoints: { master: 'master' } });
    const eventual = makeClient({ consistency: 'eventual' });
    for (const { db, primary } of [single, eventual]) {
      await db.write(WRITE);
      await db.query(READ);
      expect(primary.questions).toEqual([]);
      await db.close();
    }
  });
});

describe('a session', () => {
  it('remembers what it has written and read, and goes on from its token', async () => {
    const { db, primary, standby } = makeClient({ consistency: 'session' });
    const session = db.session();
    expect(session.token).toBe('');
    await session.read(READ);
    expect(readSessionToken(session.token).position).toEqual(POSITION);
    primary.lsn = 120;
    await session.write(WRITE);
    expect(readSessionToken(session.token).position).toEqual({ ...POSITION, lsn: 120n });
    standby.lsn = 130;
    const next = db.session(session.token);
    await next.query(READ);
    expect(readSessionToken(next.token).position).toEqual({ ...POSITION, lsn: 130n });
    await db.close();
  });

  it('goes by itself alone, unless the whole process is promised its writes', async () => {
    for (const [consistency, by] of [
      ['session', 'standby'],
      ['process', 'primary'],
    ] as const) {
      const { db, clock, primary, standby } = makeClient({ consistency });
      primary.lsn = standby.lsn + 1;
      await db.write(WRITE);
      const reading = db.session().read(READ);
      await clock.advance(CATCH_UP.forMs);
      await reading;
      expect([consistency, readsOn(primary) > 0 ? 'primary' : 'standby']).toEqual([consistency, by]);
      await db.close();
    }
  });

  it('reads in one transaction with the question behind a pooler of replicas, or else on the primary', async () => {
    const endpoints = { master: 'master', replicaPooler: 'replicaPooler' };
    const { db, primary, standby } = makeClient({ endpoints, consistency: 'session' });
    for (const server of [primary, standby]) answer(server, transactional());
    const session = db.session();
    await session.write(WRITE);
    const sent = watch(standby);
    await session.read(READ);
    expect(sent.slice(-5)).toEqual([
      BEGIN_READ_BY_READ,
      ASK_REPLAYED_AND_LINEAGE,
      READ,
      ASK_REPLAYED_AND_LINEAGE,
      'COMMIT',
    ]);
    primary.lsn += 1;
    await session.write(WRITE);
    await session.read(READ);
    expect(readsOn(primary)).toBe(1);
    await db.close();
  });

  it('looks for a newer primary once where its token speaks of one, and believes what it finds', async () => {
    const { db, clock, primary, behind } = makeClient({ consistency: 'session' });
    await clock.advance(1_000);
    await db.write(WRITE);
    const token = sessionTokenOf(new Watermark({ ...POSITION, timeline: 2 }));
    await db.session(token).read(READ);
    expect(readsOn(primary)).toBe(1);
    const successor = new FakeServer({ server: 'pg3', timeline: 3 });
    answer(successor, () => result('SELECT'));
    behind['master'] = successor;
    const late = sessionTokenOf(new Watermark({ ...POSITION, timeline: 3 }));
    // Not again within a second: whoever makes tokens up shall not keep us busy.
    await db.session(late).read(READ);
    expect([readsOn(primary), readsOn(successor)]).toEqual([2, 0]);
    await clock.advance(1_000);
    await db.session(late).read(READ);
    expect([readsOn(primary), readsOn(successor)]).toEqual([2, 1]);
    await db.close();
  });

  it('is followed to a newer timeline that a replica has told of: the old primary serves nothing any more', async () => {
    const { db, clock, primary, standby, behind } = makeClient({ consistency: 'session' });
    const session = db.session();
    await session.write(WRITE);
    await session.read(READ);
    standby.streams = 2;
    await session.read(READ);
    const successor = new FakeServer({ server: 'pg3', timeline: 2 });
    answer(successor, () => result('SELECT'));
    const before = primary.texts.length;
    const writing = session.write(WRITE);
    await clock.advance(1_000);
    behind['master'] = successor;
    await clock.advance(1_000);
    await writing;
    expect([primary.texts.includes(WRITE, before), successor.texts.includes(WRITE)]).toEqual([false, true]);
    await db.close();
  });

  it('promises nothing where the option says so, and still carries on what it was given', async () => {
    const { db, primary, standby } = makeClient({ consistency: 'eventual' });
    const session = db.session();
    primary.lsn = standby.lsn + 1;
    await session.write(WRITE);
    await session.read(READ);
    expect(readsOn(standby)).toBe(1);
    expect(readSessionToken(session.token).position?.lsn).toBe(BigInt(primary.lsn));
    await db.close();
  });
});

describe('a read on a replica that is asked for proof', () => {
  it("gets the server's own error, once the proof stands", async () => {
    const { db, primary, standby } = makeClient();
    await db.write(WRITE);
    answer(standby, () => {
      throw sqlError('22012');
    });
    await expect(db.query(READ)).rejects.toMatchObject({ code: '22012' });
    expect(readsOn(primary)).toBe(0);
    await db.close();
  });

  it('is repeated where the connection breaks', async () => {
    const { db, primary, standby } = makeClient();
    await db.write(WRITE);
    answer(
      standby,
      once(loseConnection, () => result('SELECT')),
    );
    await db.query(READ);
    expect(readsOn(standby) + readsOn(primary)).toBe(2);
    await db.close();
  });

  it('ends at its deadline where the replica is silent', async () => {
    const { db, clock, standby } = makeClient();
    await db.write(WRITE);
    answer(standby, () => SILENCE);
    const reading = expect(db.query(READ, [], { deadlineMs: 300 })).rejects.toMatchObject({
      code: 'SCHOOLDB_DEADLINE_EXCEEDED',
      outcome: 'not-executed',
    });
    await clock.advance(300);
    await reading;
    await db.close();
  });

  it('counts no answer without its proof, where the connection breaks between the two', async () => {
    const { db, primary, standby } = makeClient();
    await db.write(WRITE);
    // An older state answers, and nobody says how old it is.
    let broken = false;
    answer(standby, (_text, wire) => {
      if (!broken) wire.destroy(sqlError('ECONNRESET'));
      broken = true;
      return result('SELECT', [{ n: broken ? 0 : 1 }]);
    });
    standby.answer = ((inner) => (text, wire) => {
      if (text === ASK_REPLAYED_AND_LINEAGE && !broken) return new Promise(() => {});
      return inner(text, wire);
    })(standby.answer);
    await db.query(READ);
    expect(readsOn(standby) + readsOn(primary)).toBe(2);
    await db.close();
  });

  it.each([
    ['the connection breaks', (standby: FakeServer) => standby.die()],
    ['the question fails', (standby: FakeServer) => answer(standby, () => result('SELECT'))],
  ])('goes to the primary where %s while the replica catches up', async (_what, happen) => {
    const { db, clock, primary, standby } = makeClient();
    primary.lsn = standby.lsn + 1;
    await db.write(WRITE);
    const reading = db.query(READ);
    await settle();
    happen(standby);
    await clock.advance(CATCH_UP.forMs);
    await reading;
    expect(readsOn(primary)).toBe(1);
    await db.close();
  });

  it('ends at its deadline while it waits for the replica', async () => {
    const { db, clock, primary, standby } = makeClient();
    primary.lsn = standby.lsn + 1;
    await db.write(WRITE);
    const reading = expect(db.query(READ, [], { deadlineMs: 20 })).rejects.toMatchObject({
      code: 'SCHOOLDB_DEADLINE_EXCEEDED',
    });
    await clock.advance(20);
    await reading;
    await db.close();
  });

  it('follows what a read-only transaction of a session has seen', async () => {
    const { db, primary, standby } = makeClient();
    const session = db.session();
    await session.write(WRITE);
    for (const server of [primary, standby]) server.lsn = 150;
    answer(standby, transactional());
    await session.transaction((tx) => tx.query(READ), { access: 'read only' });
    expect(readsOn(standby)).toBe(1);
    expect(readSessionToken(session.token).position).toEqual({ ...POSITION, lsn: 150n });
    await db.close();
  });

  it.each([
    ['can not say what it follows', { hasLineage: false }],
    ['is behind', { lsn: 1 }],
  ])('goes to the primary where a server behind the pooler of replicas %s', async (_what, state) => {
    const { db, primary, standby } = makeClient({
      endpoints: { master: 'master', replicaPooler: 'replicaPooler' },
    });
    Object.assign(standby, state);
    answer(standby, transactional());
    await db.write(WRITE);
    await db.query(READ);
    expect(readsOn(primary)).toBe(1);
    await db.close();
  });

  it('is repeated where the connection to the pooler breaks', async () => {
    const { db, primary, standby } = makeClient({
      endpoints: { master: 'master', replicaPooler: 'replicaPooler' },
    });
    answer(standby, transactional({ onStatement: once(loseConnection, () => result('SELECT')) }));
    await db.write(WRITE);
    await db.query(READ);
    expect(readsOn(standby) + readsOn(primary)).toBe(2);
    await db.close();
  });
});

describe('maxStalenessMs', () => {
  it('lets replicas serve while they hold what the primary had within that time', async () => {
    const { db, clock, primary, standby } = makeClient({ consistency: 'eventual', maxStalenessMs: 1_000 });
    // Nothing is known yet: the primary serves the first one, and tells where it stands.
    await db.read(READ);
    await db.read(READ);
    expect([readsOn(primary), readsOn(standby)]).toEqual([1, 1]);
    await clock.advance(900);
    primary.lsn += 1;
    // Held to what the primary had 900 ms ago, while it is asked anew beside that.
    await db.read(READ);
    await settle();
    expect([readsOn(primary), readsOn(standby)]).toEqual([1, 2]);
    await clock.advance(200);
    const reading = db.read(READ);
    await clock.advance(CATCH_UP.forMs);
    await reading;
    expect(readsOn(primary)).toBe(2);
    await db.close();
  });
});
