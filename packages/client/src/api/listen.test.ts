/** Listening against servers that exist only as their answers, on a virtual clock. */
import { describe, expect, it, vi } from 'vitest';
import { answer, makeClient } from '../../test/support/fake-client.ts';
import type { FakeServer } from '../../test/support/fake-server.ts';
import { SILENCE, result, sqlError } from '../../test/support/fake-server.ts';
import { settle } from '../../test/support/virtual-clock.ts';
import type { NotificationGap } from './listen.ts';

/** A server on which NOTIFY reaches whoever has said LISTEN. */
function listensOn(server: FakeServer) {
  const listening = new Set<string>();
  answer(server, (text) => {
    const [, word, channel = ''] = /^(LISTEN|UNLISTEN) "(.*)"$/.exec(text) ?? [];
    if (word === 'LISTEN') listening.add(channel);
    if (word === 'UNLISTEN') listening.delete(channel);
    return result(word ?? 'SELECT');
  });
  const notify = (channel: string, payload?: string) => {
    if (!listening.has(channel)) return;
    for (const wire of server.wires) wire.deliver(channel, payload);
  };
  return { listening, notify };
}

describe('listen', () => {
  it('is refused where it would hold the only connection for good', async () => {
    const { db } = makeClient({ maxConnections: 3 });
    await expect(db.listen('a', () => {})).rejects.toThrow("'maxConnections' must be 4 or more, but is 3");
  });

  it('hands over what is sent to the channel, name and payload as they are', async () => {
    const { db, primary } = makeClient();
    const { notify } = listensOn(primary);
    const heard: unknown[] = [];
    await db.listen('Stunden "plan"', ({ channel, payload }) => heard.push([channel, payload]));
    expect(primary.texts).toContain('LISTEN "Stunden ""plan"""');
    listensOn(primary);
    for (const wire of primary.wires) wire.deliver('Stunden "plan"', 'Ä');
    for (const wire of primary.wires) wire.deliver('another', 'x');
    notify('another');
    expect(heard).toEqual([['Stunden "plan"', 'Ä']]);
  });

  it('uses one connection for all channels, and gives it up with the last', async () => {
    const { db, primary } = makeClient();
    const { listening } = listensOn(primary);
    const heard: string[] = [];
    const hear =
      (name: string) =>
      ({ payload }: { payload: string }) =>
        heard.push(name + payload);
    const [a, a2, b] = await Promise.all([
      db.listen('a', hear('a')),
      db.listen('a', hear('A')),
      db.listen('b', hear('b')),
    ]);
    expect([primary.wires.size, [...listening]]).toEqual([1, ['a', 'b']]);
    await a.close();
    expect([...listening]).toEqual(['a', 'b']);
    for (const wire of primary.wires) wire.deliver('a', '1');
    await a2.close();
    await a2.close();
    expect([...listening]).toEqual(['b']);
    expect(heard).toEqual(['A1']);
    await b[Symbol.asyncDispose]();
    expect(primary.wires.size).toBe(0);
    // From the beginning again.
    await db.listen('c', hear('c'));
    expect([...listening]).toContain('c');
  });

  it('listens again after the connection was lost, and then says that something may have been missed', async () => {
    const { db, primary, standby, clock, behind } = makeClient();
    listensOn(primary);
    const later = listensOn(standby);
    const events: unknown[] = [];
    db.on('notifications:missed', (event) => events.push(event));
    const gaps: NotificationGap[] = [];
    const heard: string[] = [];
    const onGap = (gap: NotificationGap) => {
      // Whoever reads again now must not miss what comes after.
      expect([...later.listening]).toEqual(['a', 'b']);
      gaps.push(gap);
    };
    await db.listen('a', ({ payload }) => heard.push(payload), { onGap });
    await db.listen('b', ({ payload }) => heard.push(payload));
    primary.die();
    primary.refusal = sqlError('ECONNREFUSED');
    await clock.advance(5_000);
    expect([gaps, events]).toEqual([[], []]);
    Object.assign(standby.identity, { role: 'primary', timeline: 2 });
    behind['master'] = standby;
    await clock.advance(2_500);
    expect(gaps).toMatchObject([{ channel: 'a', reason: 'error ECONNRESET' }]);
    expect(events).toEqual([{ channels: ['a', 'b'], deafMs: gaps[0]?.deafMs, reason: 'error ECONNRESET' }]);
    expect(gaps[0]?.deafMs).toBeGreaterThanOrEqual(5_000);
    later.notify('b', 'after');
    expect(heard).toEqual(['after']);
  });

  it('says nothing of a gap to whoever has not listened before', async () => {
    const { db, primary, clock } = makeClient();
    listensOn(primary);
    const missed = vi.fn();
    db.on('notifications:missed', missed);
    primary.refusal = sqlError('ECONNREFUSED');
    const listened = db.listen('a', () => {}, { onGap: missed });
    await clock.advance(3_000);
    primary.refusal = undefined;
    await clock.advance(3_000);
    await listened;
    expect(missed).not.toHaveBeenCalled();
  });

  it('notices a server that froze while nothing was sent', async () => {
    const { db, primary, standby, clock, behind } = makeClient();
    listensOn(primary);
    listensOn(standby);
    const onGap = vi.fn();
    await db.listen('a', () => {}, { onGap });
    await clock.advance(60_000);
    expect(onGap).not.toHaveBeenCalled();
    primary.frozen = true;
    Object.assign(standby.identity, { role: 'primary', timeline: 2 });
    behind['master'] = standby;
    await clock.advance(8_000);
    expect(onGap).toHaveBeenCalledOnce();
  });

  it('turns a caller away at its deadline also while the LISTEN of another is unanswered', async () => {
    const { db, primary, clock } = makeClient();
    answer(primary, (text) => (text.startsWith('LISTEN') ? SILENCE : result('SELECT')));
    const patient = db.listen('a', () => {}, { deadlineMs: 5_000 });
    await settle();
    let isTold = false;
    const late = db.listen('a', () => {}, { deadlineMs: 300 }).catch(() => (isTold = true));
    await clock.advance(300);
    expect(isTold).toBe(true);
    await late;
    const over = expect(patient).rejects.toThrow();
    await db.close();
    await over;
  });

  it('gives up a first LISTEN at its deadline, upon its signal, and at once where the server refuses', async () => {
    const { db, primary, clock } = makeClient();
    answer(primary, () => SILENCE);
    const late = expect(db.listen('a', () => {}, { deadlineMs: 100 })).rejects.toMatchObject({
      code: 'SCHOOLDB_DEADLINE_EXCEEDED',
    });
    await clock.advance(100);
    await late;
    const controller = new AbortController();
    const aborted = expect(db.listen('a', () => {}, { signal: controller.signal })).rejects.toMatchObject({
      code: 'SCHOOLDB_ABORTED',
    });
    await settle();
    controller.abort();
    await aborted;
    expect(primary.wires.size).toBe(0);
    answer(primary, (text) => {
      if (text.startsWith('LISTEN')) throw sqlError('42501');
      return result('SELECT');
    });
    await expect(db.listen('a', () => {})).rejects.toMatchObject({ code: '42501' });
    await db.close();
    expect(clock.pending).toBe(0);
  });

  it('ends a subscription upon its signal', async () => {
    const { db, primary } = makeClient();
    listensOn(primary);
    const controller = new AbortController();
    const onNotification = vi.fn();
    await db.listen('a', onNotification, { signal: controller.signal });
    const [wire] = primary.wires;
    controller.abort();
    wire!.deliver('a');
    await settle();
    expect(onNotification).not.toHaveBeenCalled();
    expect(primary.wires.size).toBe(0);
  });

  it('is ended by close(), which waits for nobody to stop listening', async () => {
    const { db, primary, clock } = makeClient();
    listensOn(primary);
    await db.listen('a', () => {});
    await db.close();
    expect([primary.wires.size, clock.pending]).toEqual([0, 0]);
    await expect(db.listen('a', () => {})).rejects.toMatchObject({ code: 'SCHOOLDB_CLOSED' });
  });

  it('goes on when a listener throws', async () => {
    const { db, primary } = makeClient();
    listensOn(primary);
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const heard: string[] = [];
    await db.listen('a', () => {
      throw new Error('broken');
    });
    await db.listen('a', ({ payload }) => heard.push(payload));
    for (const wire of primary.wires) wire.deliver('a', '1');
    expect(heard).toEqual(['1']);
    expect(warned).toHaveBeenCalledOnce();
    warned.mockRestore();
  });

  it.each([
    ['', () => {}, {}, /the channel of listen\(\) must be a text that is not empty/],
    ['ä'.repeat(32), () => {}, {}, /at most 63 bytes.*has 64/],
    ['a', undefined, {}, /the listener of listen\(\) must be a function/],
    ['a', () => {}, { ongap: () => {} }, /Did you mean 'onGap'/],
    ['a', () => {}, { onGap: 1 }, /'onGap' must be a function/],
  ])('refuses %j, %j, %j', async (channel, listener, options, message) => {
    const { db } = makeClient();
    const call = db.listen.bind(db) as (...args: unknown[]) => Promise<unknown>;
    await expect(call(channel, listener, options)).rejects.toThrow(message);
  });
});
