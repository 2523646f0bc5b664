/** What the endpoints learn of the cluster from each other, seen through the whole client above the wire. */
import { describe, expect, it } from 'vitest';
import { answer, makeClient, once, transactional } from '../../test/support/fake-client.ts';
import type { Answer } from '../../test/support/fake-server.ts';
import { FakeServer, SILENCE, result, sqlError } from '../../test/support/fake-server.ts';
import type { ServerIdentity } from '../policy/topology.ts';
import { ASK_ACTIVE, ASK_STANDBY } from '../wire/sql.ts';

function makeServer(identity: Partial<ServerIdentity>): FakeServer {
  const server = new FakeServer(identity);
  answer(server, transactional());
  return server;
}

function writesOf(server: FakeServer): string[] {
  return server.texts.filter((text) => text.startsWith('INSERT'));
}

function listen(db: ReturnType<typeof makeClient>['db']): string[] {
  const events: string[] = [];
  db.on('clusterReplaced', ({ systemId }) => events.push(`replaced by ${systemId}`));
  db.on('splitBrain', ({ timeline, servers }) => events.push(`split on ${timeline}: ${servers.join(', ')}`));
  db.on('primary:changed', ({ timeline }) => events.push(`timeline ${timeline}`));
  return events;
}

describe('another cluster behind the addresses', () => {
  it('is refused while the known one is there, and replaces it when that is gone', async () => {
    const { db, clock, primary, standby, behind } = makeClient({ deadlineMs: 5_000 });
    answer(primary, transactional());
    const events = listen(db);
    await db.write('INSERT 1');
    await db.read('SELECT 1');
    const other = makeServer({ server: 'pg9', systemId: '2' });
    Object.assign(behind, { master: other });
    primary.die();
    // A connection to the known cluster's standby is open.
    const refused = expect(db.write('INSERT 2')).rejects.toMatchObject({ outcome: 'not-executed' });
    await clock.advance(5_000);
    await refused;
    expect(db.health().cluster.refused).toContain('belongs to another cluster');
    standby.die();
    const writing = db.write('INSERT 3');
    await clock.advance(2_000);
    await writing;
    expect(writesOf(other)).toEqual(['INSERT 3']);
    expect(events).toEqual(['timeline 1', 'replaced by 2', 'timeline 1']);
    expect(db.health().cluster).toEqual({ systemId: '2', timeline: 1, refused: null });
    await db.close();
  });
});

describe('two primaries on one timeline', () => {
  function twoPrimaries() {
    const made = makeClient({ deadlineMs: 60_000 });
    answer(made.primary, transactional());
    const rival = makeServer({ server: 'pg7' });
    return { ...made, rival, events: listen(made.db) };
  }

  it('are a split brain while both answer: writes wait until one of them is not met any more', async () => {
    const { db, clock, primary, rival, behind, events } = twoPrimaries();
    const [first, second] = [db.write('INSERT 1'), db.write('INSERT 2')];
    await Promise.all([first, second]);
    behind['master'] = rival;
    // The idle connections are not enough for these: another one is opened, and leads to the rival.
    const writing = Promise.all(Array.from({ length: 10 }, (_, n) => db.write(`INSERT ${n + 3}`)));
    await clock.advance(500);
    expect(events).toEqual(['timeline 1', 'split on 1: pg1, pg7']);
    await clock.advance(5_000);
    expect(writesOf(rival)).toEqual([]);
    await clock.advance(6_000);
    await writing;
    expect(writesOf(rival).length).toBeGreaterThan(0);
    expect(primary.wires.size).toBe(0);
    await db.close();
  });

  it('are none where the first does not answer as a primary any more', async () => {
    for (const end of ['standby', 'silent'] as const) {
      const { db, clock, primary, rival, behind, events } = twoPrimaries();
      await Promise.all([db.write('INSERT 1'), db.write('INSERT 2')]);
      if (end === 'standby') Object.assign(primary, { identity: { ...primary.identity, role: 'standby' } });
      const answered = primary.answer;
      primary.answer = (text, wire) =>
        text === ASK_STANDBY && end === 'silent' ? SILENCE : answered(text, wire);
      behind['master'] = rival;
      const writing = Promise.all(Array.from({ length: 10 }, (_, n) => db.write(`INSERT ${n + 3}`)));
      await clock.advance(5_000);
      await writing;
      expect(events).toEqual(['timeline 1']);
      expect(writesOf(rival).length).toBeGreaterThan(0);
      await db.close();
    }
  });
});

describe('a server that was restarted', () => {
  it('is believed though connections to a pooler, which outlive it, are open', async () => {
    const { db, clock, primary, behind } = makeClient({
      endpoints: { master: 'master', masterPooler: 'masterPooler' },
      prefer: 'pooler',
    });
    answer(primary, transactional());
    await db.write('INSERT INTO t VALUES (1)');
    const restarted = makeServer({ server: 'pg1 restarted' });
    behind['master'] = restarted;
    const cleaning = db.write('VACUUM');
    await clock.advance(1_000);
    await cleaning;
    expect([primary.wires.size, restarted.texts.includes('VACUUM')]).toEqual([1, true]);
    await db.close();
  });
});

describe('a primary that was replaced while it lives on', () => {
  /** Goes through a pooler, where there is one: a text that can't be parsed does not. */
  const INSERT = 'INSERT INTO t VALUES (1)';

  it.each([
    ['its address', { endpoints: { master: 'master' } }],
    ['a pooler', { endpoints: { master: 'master', masterPooler: 'masterPooler' }, prefer: 'pooler' }],
    ['one of several addresses', { endpoints: { master: ['master', 'other'] } }],
  ] as const)('is left, behind %s, though it answers everything but a COMMIT', async (where, options) => {
    const { db, clock, primary, behind } = makeClient(options);
    const onCommit = once(
      () => SILENCE,
      () => result('COMMIT'),
    );
    // The COMMIT waits for a standby that will never come: its backend is at work.
    const onStatement: Answer = (text, { processId: pid }) =>
      text === ASK_ACTIVE ? result('SELECT', [{ pid }]) : result('INSERT');
    answer(primary, transactional({ onCommit, onStatement }));
    const replacement = makeServer({ server: 'pg7', timeline: 2 });
    answer(replacement, transactional({ settled: false }));
    // Refuses whoever comes before it is promoted.
    behind['other'] = makeServer({ server: 'pg7', role: 'standby', timeline: null });
    // What others ask is answered all the time: nothing but the one COMMIT is silent.
    const workOn = async (forMs: number): Promise<void> => {
      for (let elapsedMs = 0; elapsedMs < forMs; elapsedMs += 200) {
        await Promise.all([db.write('SELECT 1', [], { safety: 'read' }), clock.advance(200)]);
      }
    };
    const writing = db.write(INSERT, [], { exactlyOnce: true });
    await workOn(5_000);
    expect([writesOf(primary), writesOf(replacement)]).toEqual([[INSERT], []]);
    behind[where === 'one of several addresses' ? 'other' : 'master'] = replacement;
    if (where === 'a pooler') behind['masterPooler'] = replacement;
    await workOn(10_000);
    await writing;
    expect([writesOf(primary), writesOf(replacement)]).toEqual([[INSERT], [INSERT]]);
    await db.close();
  });
});

describe('a timeline that was set back', () => {
  it('stays refused, which health() says, until the operator accepts it', async () => {
    const { db, clock, primary, behind } = makeClient({ deadlineMs: 2_000 });
    answer(primary, transactional());
    Object.assign(primary, { identity: { ...primary.identity, timeline: 5 } });
    await db.write('INSERT 1');
    const restored = makeServer({ server: 'pg5', timeline: 3 });
    behind['master'] = restored;
    primary.refusal = sqlError('ECONNREFUSED');
    primary.die();
    const refused = expect(db.write('INSERT 2')).rejects.toMatchObject({ outcome: 'not-executed' });
    await clock.advance(2_500);
    await refused;
    expect(db.health().cluster.refused).toContain('timeline 5 has been seen');
    db.acceptTimeline();
    const writing = db.write('INSERT 3');
    await clock.advance(1_000);
    await writing;
    expect(writesOf(restored)).toEqual(['INSERT 3']);
    expect(db.health().cluster).toEqual({ systemId: '1', timeline: 3, refused: null });
    await db.close();
  });
});
