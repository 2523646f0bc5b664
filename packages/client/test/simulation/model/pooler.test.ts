import { describe, expect, it } from 'vitest';
import { ASK_STANDBY, guardText } from '../../../src/wire/sql.ts';
import { Dice } from '../dice.ts';
import { TestSession, makeModel } from './model-support.ts';
import { Pooler } from './pooler.ts';
import { APP_TEXTS } from './statements.ts';

function makePooler() {
  const model = makeModel();
  const { time, observer, cluster } = model;
  const targets = () => cluster.labelled('primary');
  return { ...model, pooler: new Pooler({ time, observer, dice: new Dice(2), targets }) };
}

function answersWith(session: TestSession): unknown {
  return session.answers.at(-1)?.results[0]?.rows[0];
}

describe('a simulated pooler', () => {
  it('keeps its clients when the server changes, and says nothing of it', async () => {
    const { pooler, pass, cluster, primary } = makePooler();
    const session = new TestSession(pooler);
    session.send(APP_TEXTS.insert, 'before');
    await pass(50);
    primary.kill();
    cluster.wake();
    await pass(3_000);
    session.send(APP_TEXTS.insert, 'after');
    await pass(3_000);
    expect(session.tags).toEqual(['INSERT', 'INSERT']);
    expect(session.responses.some(({ kind }) => kind === 'parameter')).toBe(false);
    expect([...cluster.leader.data.ledger.keys()]).toEqual(['before', 'after']);
  });

  it('stays on a server that was demoted while it is stale: the guard tells', async () => {
    const { pooler, pass, cluster, primary } = makePooler();
    const session = new TestSession(pooler);
    session.send(guardText(cluster.systemId, 1));
    await pass(50);
    pooler.stale = true;
    cluster.isolate(primary, true);
    await pass(3_000);
    session.send('BEGIN');
    session.send(guardText(cluster.systemId, 2));
    session.send(APP_TEXTS.insert, 'k');
    session.send('COMMIT');
    await pass(50);
    expect(session.tags).toEqual(['SELECT', 'BEGIN', '22P02', '25P02', 'ROLLBACK']);
    pooler.stale = false;
    session.send(ASK_STANDBY);
    await pass(50);
    expect(answersWith(session)).toEqual({ standby: false });
  });

  it('reports its own troubles as 08P01, by their texts', async () => {
    const { pooler, pass, primary, cluster } = makePooler();
    const session = new TestSession(pooler);
    primary.kill();
    session.send(APP_TEXTS.read, 'k');
    await pass(50);
    expect(session.fatal).toContain('server_login_retry');
    cluster.wake();
    await pass(5_000);
    const holders = Array.from({ length: 5 }, () => new TestSession(pooler));
    for (const holder of holders) holder.send('BEGIN');
    await pass(100);
    const waiting = new TestSession(pooler);
    waiting.send(APP_TEXTS.read, 'k');
    await pass(6_000);
    expect(waiting.fatal).toBe('query_wait_timeout');
  });
});
