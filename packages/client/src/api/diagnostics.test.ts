import { channel, tracingChannel } from 'node:diagnostics_channel';
import { afterEach, describe, expect, it } from 'vitest';
import { answer, loseConnection, makeClient, once } from '../../test/support/fake-client.ts';
import { result, sqlError } from '../../test/support/fake-server.ts';

const NAMES = ['operation', 'attempt', 'lease', 'failover'] as const;
const PHASES = ['start', 'asyncEnd', 'error'] as const;

let unsubscribe: (() => void)[] = [];

afterEach(() => {
  for (const each of unsubscribe) each();
  unsubscribe = [];
});

/** Everything the client tells its channels from now on, in order. */
function listen(): { name: string; message: unknown }[] {
  const heard: { name: string; message: unknown }[] = [];
  for (const name of NAMES) {
    for (const phase of PHASES) {
      const source = tracingChannel(`schooldb:${name}`)[phase];
      const listener = (message: unknown) => heard.push({ name: `${name} ${phase}`, message });
      source.subscribe(listener);
      unsubscribe.push(() => source.unsubscribe(listener));
    }
  }
  return heard;
}

describe('diagnostics channels', () => {
  it('tell of an operation, its leases and its attempts', async () => {
    const { db, primary } = makeClient();
    answer(
      primary,
      once(loseConnection, () => result('UPDATE')),
    );
    const heard = listen();
    await db.write("UPDATE t SET secret = 'x'", ['y'], { safety: 'idempotent' });
    expect(heard.map(({ name }) => name)).toEqual([
      'operation start',
      'lease start',
      'lease asyncEnd',
      'attempt start',
      'attempt asyncEnd',
      'lease start',
      'lease asyncEnd',
      'attempt start',
      'attempt asyncEnd',
      'operation asyncEnd',
    ]);
    expect(heard[4]!.message).toMatchObject({
      operation: 'write',
      attempt: 1,
      endpoint: 'master',
      state: 'again',
    });
    expect(heard[8]!.message).toMatchObject({ attempt: 2, state: 'done' });
    expect(JSON.stringify(heard)).not.toContain('secret');
    await db.close();
  });

  it('tell of errors', async () => {
    const { db, primary } = makeClient();
    answer(primary, () => {
      throw sqlError('23505');
    });
    const heard = listen();
    await expect(db.write('INSERT x')).rejects.toMatchObject({ code: '23505' });
    const errors = heard.filter(({ name }) => name.endsWith('error'));
    expect(errors.map(({ name }) => name)).toEqual(['attempt error', 'operation error']);
    expect(errors[1]!.message).toMatchObject({ operation: 'write', error: { code: '23505' } });
    await db.close();
  });

  it('tell how long no primary was there', async () => {
    const { db, clock, primary } = makeClient();
    await db.write('INSERT x');
    const heard = listen();
    primary.refusal = sqlError('ECONNREFUSED');
    primary.die();
    const writing = db.write('INSERT y');
    await clock.advance(1_000);
    expect(heard.map(({ name }) => name)).toContain('failover start');
    primary.refusal = undefined;
    await clock.advance(1_000);
    await writing;
    expect(heard.filter(({ name }) => name.startsWith('failover'))).toMatchObject([
      { name: 'failover start', message: { address: 'master:5432', reason: 'error ECONNREFUSED' } },
      { name: 'failover asyncEnd' },
    ]);
    await db.close();
  });

  it('repeat what db.on() tells', async () => {
    const events: unknown[] = [];
    const listener = (message: unknown) => events.push(message);
    channel('schooldb:event').subscribe(listener);
    unsubscribe.push(() => channel('schooldb:event').unsubscribe(listener));
    const { db } = makeClient();
    await db.write('INSERT x');
    expect(events).toContainEqual({
      name: 'primary:changed',
      payload: { address: 'master:5432', systemId: '1', timeline: 1 },
    });
    await db.close();
  });
});
