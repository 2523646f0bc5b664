/** What the simulation would be blind without: the model does what PostgreSQL does (design-evidence has the proofs). */
import { describe, expect, it } from 'vitest';
import { IDENTIFY, MARK, markAndCommitText, settleText } from '../../../src/wire/sql.ts';
import { SqlError } from '../protocol.ts';
import type { TestSession } from './model-support.ts';
import { makeModel } from './model-support.ts';
import { APP_TEXTS } from './statements.ts';

const SLOT = '00000000-0000-4000-8000-000000000001';
const ADMIN = new SqlError('57P01', 'by an administrator', 'FATAL');

function committed(session: TestSession): unknown {
  return session.answers.at(-1)?.results[2]?.rows[0]?.committed;
}

describe('a simulated commit slot', () => {
  it('lets settle wait for a transaction that has marked, and tells what became of it', async () => {
    const { primary, pass, open } = makeModel();
    const [writer, asker] = [await open(primary), await open(primary)];
    writer.send('BEGIN');
    writer.send(APP_TEXTS.insert, 'k');
    writer.send(MARK, SLOT, 1);
    await pass(20);
    asker.script(settleText(SLOT, 1));
    await pass(400);
    expect(asker.answers).toEqual([]);
    writer.send('COMMIT');
    await pass(20);
    expect(asker.tags).toEqual(['BEGIN SET SELECT COMMIT']);
    expect(committed(asker)).toBe(true);
  });

  it('makes a no final: a COMMIT that comes later fails', async () => {
    const { primary, pass, open } = makeModel();
    const [writer, asker] = [await open(primary), await open(primary)];
    writer.send('BEGIN');
    writer.send(APP_TEXTS.insert, 'k');
    asker.script(settleText(SLOT, 1));
    await pass(20);
    expect(committed(asker)).toBe(false);
    writer.script(markAndCommitText(SLOT, 1));
    writer.send('COMMIT');
    await pass(20);
    expect(writer.tags).toEqual(['BEGIN', 'INSERT', 'SD001', 'ROLLBACK']);
    expect(primary.data.ledger.has('k')).toBe(false);
  });

  it('knows nothing of an earlier attempt when a later one is asked for', async () => {
    const { primary, pass, open } = makeModel();
    const session = await open(primary);
    session.send('BEGIN');
    session.script(markAndCommitText(SLOT, 1));
    session.script(settleText(SLOT, 2));
    await pass(50);
    expect(committed(session)).toBe(false);
  });
});

describe('a simulated synchronous commit', () => {
  async function waitingCommit() {
    const model = makeModel();
    const { primary, pass, cluster, standbys, open } = model;
    for (const standby of standbys) cluster.cutReplication(standby, true);
    const session = await open(primary);
    session.send(APP_TEXTS.insert, 'k');
    await pass(50);
    return { ...model, session };
  }

  it('is neither answered nor visible before the standby has it', async () => {
    const { primary, pass, cluster, standbys, session } = await waitingCommit();
    expect([session.answers.length, primary.data.ledger.size]).toEqual([0, 0]);
    for (const standby of standbys) cluster.cutReplication(standby, false);
    await pass(1_000);
    expect([session.tags, primary.data.ledger.get('k')]).toEqual([['INSERT'], 1]);
    expect(standbys.map((standby) => standby.data.ledger.get('k'))).toEqual([1, 1]);
  });

  it('is answered as a success with a warning when its wait is given up', async () => {
    const { primary, pass, session } = await waitingCommit();
    primary.sync.cancelAll();
    await pass(10);
    expect([session.tags, session.notices]).toEqual([['INSERT'], ['SyncRepWaitForLSN']]);
    expect(primary.acknowledged).toBe(0);
  });

  it('stays committed, and ends with a warning instead of an answer, when its session is ended', async () => {
    const { primary, pass, session } = await waitingCommit();
    for (const backend of primary.backends()) backend.terminate(ADMIN);
    await pass(10);
    expect([session.answers, session.fatal, session.closed]).toEqual([[], undefined, 'fin']);
    expect(session.responses.at(-1)).toMatchObject({
      kind: 'notice',
      notice: { code: '57P01', routine: 'SyncRepWaitForLSN' },
    });
    expect(primary.data.ledger.get('k')).toBe(1);
  });

  it('is there after a crash restart, although nobody confirmed it', async () => {
    const { primary, pass } = await waitingCommit();
    primary.crashRestart();
    await pass(200);
    expect(primary.data.ledger.get('k')).toBe(1);
  });

  it('keeps a standby that lacks it from being promoted only if it was acknowledged', async () => {
    const { primary, pass, cluster, session } = await waitingCommit();
    expect(session.answers).toEqual([]);
    primary.kill();
    cluster.wake();
    await pass(1_500);
    expect([cluster.leader === primary, cluster.leader.timeline]).toEqual([false, 2]);
    expect(cluster.leader.data.ledger.has('k')).toBe(false);
  });
});

describe('a simulated server', () => {
  it('loses what was not flushed in a crash, and keeps timeline, name and what was', async () => {
    const { primary, pass, cluster, open } = makeModel({ synchronous: false });
    const session = await open(primary);
    session.send(IDENTIFY);
    session.send(APP_TEXTS.insert, 'flushed');
    await pass(50);
    cluster.commitTrap = (phase) => phase === 'inserted' && primary.crashRestart();
    session.send(APP_TEXTS.insert, 'unflushed');
    await pass(200);
    expect([session.closed, session.notices]).toEqual(['fin', ['quickdie']]);
    const after = await open(primary);
    after.send(IDENTIFY);
    await pass(10);
    const identity = ({ answers }: TestSession) => {
      const { server, timeline } = answers[0]!.results[0]!.rows[0] as Record<string, unknown>;
      return { server, timeline };
    };
    expect(identity(after)).toEqual(identity(session));
    expect([...primary.data.ledger.keys()]).toEqual(['flushed']);
  });

  it('refuses whoever comes while it starts', async () => {
    const { primary, pass, open } = makeModel();
    primary.crashRestart();
    const session = await open(primary);
    await pass(10);
    expect(session.fatal).toBe('the database system is starting up');
  });

  it('does what lies in its buffers when it is thawed, for clients that have left too', async () => {
    const { primary, pass, open } = makeModel({ synchronous: false });
    const session = await open(primary);
    session.send('BEGIN');
    session.send(APP_TEXTS.insert, 'late');
    await pass(10);
    primary.freeze();
    session.send('COMMIT');
    session.hangUp();
    await pass(5_000);
    expect(primary.data.ledger.has('late')).toBe(false);
    primary.thaw();
    await pass(10);
    expect(primary.data.ledger.get('late')).toBe(1);
  });

  it('answers COMMIT of a failed transaction with ROLLBACK', async () => {
    const { primary, pass, open } = makeModel();
    const session = await open(primary);
    for (const text of ['BEGIN', APP_TEXTS.insert, APP_TEXTS.raise, APP_TEXTS.insert, 'COMMIT']) {
      session.send(text, '23505');
    }
    await pass(20);
    expect(session.tags).toEqual(['BEGIN', 'INSERT', '23505', '25P02', 'ROLLBACK']);
    expect(primary.data.ledger.size).toBe(0);
  });

  it('ends a deadlock', async () => {
    const { primary, pass, open } = makeModel();
    const sessions = [await open(primary), await open(primary)];
    for (const [index, session] of sessions.entries()) {
      session.send('BEGIN');
      session.send(APP_TEXTS.count, index === 0 ? 'a' : 'b');
    }
    await pass(20);
    for (const [index, session] of sessions.entries()) session.send(APP_TEXTS.count, index === 0 ? 'b' : 'a');
    await pass(1_100);
    expect(new Set(sessions.map(({ tags }) => tags.at(-1)))).toEqual(new Set(['40P01', 'UPDATE']));
  });

  it('refuses writes as a standby, and tells of its promotion with the next answer only', async () => {
    const { pass, cluster, primary, standbys, open } = makeModel();
    const sessions = await Promise.all(standbys.map(open));
    const readers = await Promise.all(standbys.map(open));
    for (const reader of readers) reader.send('BEGIN');
    for (const session of sessions) session.send(APP_TEXTS.insert, 'k');
    await pass(20);
    expect(sessions.map(({ tags }) => tags)).toEqual([['25006'], ['25006']]);
    primary.kill();
    cluster.wake();
    await pass(1_500);
    const promoted = sessions[standbys.indexOf(cluster.leader)]!;
    expect(promoted.responses.some(({ kind }) => kind === 'parameter')).toBe(false);
    const reader = readers[standbys.indexOf(cluster.leader)]!;
    promoted.send(APP_TEXTS.read, 'k');
    for (const text of [APP_TEXTS.insert, 'COMMIT']) reader.send(text, 'begun on a standby');
    await pass(20);
    expect(reader.tags).toEqual(['BEGIN', '25006', 'ROLLBACK']);
    expect(promoted.responses.at(-2)).toMatchObject({
      kind: 'parameter',
      name: 'in_hot_standby',
      value: 'off',
    });
  });

  it('comes back as a standby without its own branch', async () => {
    const { pass, cluster, primary, open } = makeModel({ synchronous: false, demoteMs: 5_000 });
    cluster.isolate(primary, true);
    await pass(1_500);
    const session = await open(primary);
    session.send(APP_TEXTS.insert, 'on the old branch');
    await pass(20);
    expect([session.tags, cluster.leader === primary]).toEqual([['INSERT'], false]);
    cluster.isolate(primary, false);
    await pass(20_000);
    expect([primary.role, cluster.whole, primary.data.ledger.size]).toEqual(['standby', true, 0]);
  });
});
