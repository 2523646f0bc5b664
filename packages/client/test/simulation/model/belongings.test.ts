/** What belongs to a session, as PostgreSQL has it (manual, "NOTIFY", "Advisory Locks", "DECLARE"). */
import { describe, expect, it } from 'vitest';
import { LOCK, TRY_LOCK, UNLOCK, listenText, lockTimeoutText } from '../../../src/wire/sql.ts';
import type { TestSession } from './model-support.ts';
import { makeModel } from './model-support.ts';
import { APP_TEXTS } from './statements.ts';
import { XID_TEXTS } from './xid-texts.ts';

function last(session: TestSession): unknown {
  return session.answers.at(-1)?.results[0]?.rows;
}

describe('a simulated notification', () => {
  it('reaches, when it is committed, whoever has listened before', async () => {
    const { primary, pass, open } = makeModel();
    const [early, late, other, writer] = await Promise.all([0, 1, 2, 3].map(() => open(primary)));
    early!.send(listenText('a'));
    other!.send(listenText('b'));
    writer!.send('BEGIN');
    writer!.send(APP_TEXTS.notify, 'a', 'one');
    await pass(20);
    expect(early!.heard).toEqual([]);
    writer!.send('COMMIT');
    await pass(20);
    late!.send(listenText('a'));
    await pass(20);
    expect([early!.heard, late!.heard, other!.heard]).toEqual([['one'], [], []]);
  });

  it('waits with its commit for the standby, and is never sent by one that was rolled back', async () => {
    const { primary, pass, open, cluster, standbys } = makeModel();
    const [listener, writer] = [await open(primary), await open(primary)];
    listener.send(listenText('a'));
    for (const standby of standbys) cluster.cutReplication(standby, true);
    writer.send('BEGIN');
    writer.send(APP_TEXTS.notify, 'a', 'never');
    writer.send('ROLLBACK');
    writer.send(APP_TEXTS.notify, 'a', 'late');
    await pass(100);
    expect(listener.heard).toEqual([]);
    for (const standby of standbys) cluster.cutReplication(standby, false);
    await pass(1_000);
    expect(listener.heard).toEqual(['late']);
  });

  it('is kept from a session until its transaction is over', async () => {
    const { primary, pass, open } = makeModel();
    const [listener, writer] = [await open(primary), await open(primary)];
    listener.send(listenText('a'));
    listener.send('BEGIN');
    writer.send(APP_TEXTS.notify, 'a', 'one');
    await pass(20);
    expect(listener.heard).toEqual([]);
    listener.send('COMMIT');
    await pass(20);
    expect(listener.heard).toEqual(['one']);
  });

  it('is neither heard nor listened for on a standby', async () => {
    const { standbys, pass, open } = makeModel();
    const session = await open(standbys[0]!);
    session.send(listenText('a'));
    session.send(APP_TEXTS.notify, 'a', 'one');
    await pass(20);
    expect(session.tags).toEqual(['25006', '25006']);
  });
});

describe('a simulated advisory lock', () => {
  it('has one holder at a time, and goes with its session to the next', async () => {
    const { primary, pass, open } = makeModel();
    const [first, second, third] = await Promise.all([0, 1, 2].map(() => open(primary)));
    first!.send(LOCK, 1n);
    await pass(10);
    second!.send(LOCK, 1n);
    third!.send(TRY_LOCK, 1n);
    await pass(10);
    expect([first!.answers.length, second!.answers.length, last(third!)]).toEqual([
      1,
      0,
      [{ locked: false }],
    ]);
    first!.hangUp();
    await pass(10);
    expect(second!.answers).toHaveLength(1);
    second!.send(UNLOCK, 1n);
    third!.send(UNLOCK, 1n);
    await pass(10);
    expect([last(second!), last(third!)]).toEqual([[{ unlocked: true }], [{ unlocked: false }]]);
  });

  it('is waited for as long as lock_timeout says', async () => {
    const { primary, pass, open } = makeModel();
    const [holder, waiting] = [await open(primary), await open(primary)];
    holder.send(LOCK, 1n);
    await pass(10);
    waiting.send(lockTimeoutText(200));
    waiting.send(LOCK, 1n);
    await pass(190);
    expect(waiting.tags).toEqual(['SET']);
    await pass(20);
    expect(waiting.tags).toEqual(['SET', '55P03']);
    holder.send(UNLOCK, 1n);
    await pass(10);
    waiting.send(TRY_LOCK, 1n);
    await pass(10);
    expect(last(waiting)).toEqual([{ locked: true }]);
  });

  it('is forgotten in a crash, and unknown to other servers', async () => {
    const { primary, standbys, pass, open } = makeModel();
    const holder = await open(primary);
    holder.send(LOCK, 1n);
    const elsewhere = await open(standbys[0]!);
    elsewhere.send(TRY_LOCK, 1n);
    await pass(10);
    expect(last(elsewhere)).toEqual([{ locked: true }]);
    primary.crashRestart();
    await pass(500);
    const next = await open(primary);
    next.send(TRY_LOCK, 1n);
    await pass(10);
    expect(last(next)).toEqual([{ locked: true }]);
  });
});

describe('a simulated portal', () => {
  it('returns the rows that were there when it was opened, in portions', async () => {
    const { primary, pass, open } = makeModel();
    const [reader, writer] = [await open(primary), await open(primary)];
    for (const key of ['a', 'b', 'c']) writer.send(APP_TEXTS.insert, key);
    await pass(50);
    reader.fetch(2);
    await pass(10);
    writer.send(APP_TEXTS.insert, 'd');
    await pass(50);
    reader.fetch(2);
    await pass(10);
    const keys = reader.answers.map(({ results }) => results[0]!.rows.map(({ key }) => key as string));
    expect(keys).toEqual([['a', 'b'], ['c']]);
  });
});

describe('a simulated session', () => {
  it('gets the transaction id of one that was not flushed before a crash, and its status lies', async () => {
    const { primary, pass, open } = makeModel();
    const lost = await open(primary);
    lost.send('BEGIN');
    lost.send(APP_TEXTS.insert, 'k');
    lost.send(XID_TEXTS.xid);
    await pass(20);
    const [{ xid }] = last(lost) as [{ xid: string }];
    primary.crashRestart();
    await pass(500);
    const next = await open(primary);
    next.send(APP_TEXTS.insert, 'another');
    next.send(XID_TEXTS.status, xid);
    await pass(50);
    expect(last(next)).toEqual([{ status: 'committed' }]);
    expect(primary.data.ledger.has('k')).toBe(false);
  });
});
