import { describe, expect, it } from 'vitest';
import { FakeServer, SILENCE, result } from '../../test/support/fake-server.ts';
import type { FakeWire } from '../../test/support/fake-server.ts';
import { VirtualClock } from '../../test/support/virtual-clock.ts';
import { ResponsiveClock } from '../runtime/responsive-clock.ts';
import type { Connection } from './connection.ts';
import { SERVER_WATCH_DEFAULTS, ServerWatch } from './server-watch.ts';

interface WatchSetup {
  oneServerOnly?: boolean;
  behindAddress?: () => FakeServer;
  /** Connections that nobody uses, beside the one that asks. */
  idle?: number;
}

async function makeWatch(options: WatchSetup = {}) {
  const clock = new VirtualClock();
  const server = new FakeServer();
  const dead: string[] = [];
  const suspected: number[] = [];
  const connection = await server.connect();
  const idle = await Promise.all(Array.from({ length: options.idle ?? 0 }, () => server.connect()));
  const responsive = new ResponsiveClock(clock);
  const watch = new ServerWatch(
    { ...SERVER_WATCH_DEFAULTS, oneServerOnly: options.oneServerOnly ?? true },
    {
      probe: (): Promise<Connection> => (options.behindAddress?.() ?? server).connect(),
      isIdle: (each) => each !== connection && idle.includes(each),
      isBusy: () => connection.wire.unanswered > 0,
      onSuspected: (silentMs) => suspected.push(silentMs),
      onDead: (name) => dead.push(name),
    },
    responsive,
  );
  for (const each of [connection, ...idle]) watch.add(each);
  const ask = () => {
    const answer = connection.wire.query({ text: 'SELECT report()' });
    answer.catch(() => {});
    watch.wake();
    return answer;
  };
  return { clock, server, watch, connection, idle, responsive, dead, suspected, ask };
}

/** A statement that takes its time on a server that is well. */
function answersAfter(clock: VirtualClock, ms: number) {
  return (text: string) =>
    text === 'SELECT report()'
      ? new Promise<ReturnType<typeof result>>((resolve) =>
          clock.schedule(ms, () => resolve(result('SELECT'))),
        )
      : result('SELECT');
}

describe('ServerWatch', () => {
  it('finds a frozen server within two seconds', async () => {
    const { clock, server, dead, suspected, ask } = await makeWatch();
    server.frozen = true;
    void ask();
    await clock.advance(1_300);
    expect([suspected, dead]).toEqual([[500], []]);
    await clock.advance(700);
    expect(dead).toEqual(['pg1']);
  });

  it('does not blame a server that pauses for a second', async () => {
    const { clock, server, dead, ask } = await makeWatch();
    let resume!: () => void;
    const paused = new Promise<void>((resolve) => (resume = resolve));
    server.answer = () => paused.then(() => result('SELECT'));
    const answer = ask();
    await clock.advance(1_000);
    resume();
    await answer;
    await clock.advance(5_000);
    expect(dead).toEqual([]);
  });

  it('asks over one new connection at a time, also where the server says a word now and then', async () => {
    const { clock, server, connection, ask } = await makeWatch();
    let asked = 0;
    server.open = () => {
      asked += 1;
      return { ready: new Promise(() => {}), bytesRead: asked, abandon: () => {} };
    };
    server.frozen = true;
    void ask();
    for (let word = 0; word < 5; word += 1) {
      await clock.advance(800);
      (connection.wire as FakeWire).bytesRead += 1;
    }
    expect(asked).toBe(1);
  });

  it('does not blame a server for a slow statement: it answers the probe', async () => {
    const { clock, server, dead, suspected, ask } = await makeWatch();
    server.answer = answersAfter(clock, 30_000);
    const answer = ask();
    await clock.advance(30_000);
    await answer;
    expect(suspected.length).toBeGreaterThan(0);
    expect(dead).toEqual([]);
  });

  it('does not blame a server for a stall of our own event loop', async () => {
    const { clock, connection, dead, ask } = await makeWatch();
    void ask();
    const wire = connection.wire as FakeWire;
    for (let round = 0; round < 5; round += 1) {
      await clock.stall(3_000);
      // The answer had come all the time; it is read only now.
      wire.bytesRead += 1;
      await clock.advance(100);
    }
    expect(dead).toEqual([]);
  });

  it('does not blame a server whose address refuses the probe', async () => {
    const { clock, server, dead, ask } = await makeWatch({
      behindAddress: () => {
        throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
      },
    });
    server.frozen = true;
    void ask();
    await clock.advance(10_000);
    expect(dead).toEqual([]);
  });

  it('believes in the death of a silent primary once another stands behind the address', async () => {
    const successor = new FakeServer({ server: 'pg2', timeline: 2 });
    const { clock, server, dead, ask } = await makeWatch({ behindAddress: () => successor });
    server.frozen = true;
    void ask();
    await clock.advance(2_000);
    expect(dead).toEqual(['pg1']);
    expect(successor.wires.size).toBe(0);
  });

  it('does not take one replica for another', async () => {
    const other = new FakeServer({ server: 'pg2', role: 'standby' });
    const { clock, server, dead, ask } = await makeWatch({
      oneServerOnly: false,
      behindAddress: () => other,
    });
    server.answer = answersAfter(clock, 10_000);
    const answer = ask();
    await clock.advance(10_000);
    await answer;
    expect(dead).toEqual([]);
    expect(other.wires.size).toBe(0);
  });

  it('finds a frozen replica by a connection to it that nobody uses, wherever the address leads', async () => {
    const other = new FakeServer({ server: 'pg2', role: 'standby' });
    const { clock, server, dead, ask } = await makeWatch({
      oneServerOnly: false,
      behindAddress: () => other,
      idle: 1,
    });
    server.frozen = true;
    void ask();
    await clock.advance(2_000);
    expect(dead).toEqual(['pg1']);
  });

  it('is not deceived by connections that callers give up', async () => {
    const { clock, server, watch, dead, ask } = await makeWatch();
    const others = await Promise.all(Array.from({ length: 10 }, () => server.connect()));
    server.frozen = true;
    void ask();
    for (const other of others) {
      watch.add(other);
      other.wire.query({ text: 'SELECT report()' }).catch(() => {});
    }
    for (const other of others) {
      await clock.advance(200);
      other.wire.destroy(new Error('given up'));
    }
    expect(dead).toEqual(['pg1']);
  });

  it('does not count the time in which it slept as silence', async () => {
    const { clock, responsive, dead, suspected, server, ask } = await makeWatch();
    const stopOther = responsive.onTick(() => {});
    await ask();
    await clock.advance(30_000);
    let resume!: () => void;
    const paused = new Promise<void>((resolve) => (resume = resolve));
    server.answer = () => paused.then(() => result('SELECT'));
    const answer = ask();
    await clock.advance(400);
    expect(suspected).toEqual([]);
    await clock.advance(700);
    resume();
    await answer;
    stopOther();
    expect(dead).toEqual([]);
  });

  it('keeps no probe that arrives after its end', async () => {
    let arrive!: () => void;
    const { clock, server, watch, ask } = await makeWatch();
    server.answer = answersAfter(clock, 5_000);
    const late = new Promise<void>((resolve) => (arrive = resolve));
    const connect = server.connect.bind(server);
    server.connect = () => late.then(connect);
    const answer = ask();
    await clock.advance(700);
    const closed = watch.close();
    arrive();
    await closed;
    expect(server.wires.size).toBe(1);
    await clock.advance(5_000);
    await answer;
  });

  it('sleeps while nobody asks anything', async () => {
    const { clock, ask } = await makeWatch();
    await ask();
    await clock.advance(1_000);
    expect(clock.pending).toBe(0);
  });

  it('closes the connections of its probes when nobody asks anything any more', async () => {
    const { clock, server, ask } = await makeWatch();
    server.answer = answersAfter(clock, 1_000);
    const answer = ask();
    await clock.advance(900);
    expect(server.wires.size).toBe(2);
    await clock.advance(300);
    await answer;
    expect(server.wires.size).toBe(1);
  });

  it('closes the connections of its probes when it is closed', async () => {
    const { clock, server, watch, ask } = await makeWatch();
    server.answer = answersAfter(clock, 60_000);
    void ask();
    await clock.advance(900);
    expect(server.wires.size).toBe(2);
    await watch.close();
    expect(server.wires.size).toBe(1);
  });

  it('does not blame a server for a connection that the network has forgotten', async () => {
    const { clock, server, dead, idle, ask } = await makeWatch({ idle: 1 });
    server.answer = (text, wire) => (wire === idle[0]!.wire ? SILENCE : answersAfter(clock, 10_000)(text));
    void ask();
    await clock.advance(9_000);
    expect(dead).toEqual([]);
    expect(idle[0]!.wire.lostBecause).toMatchObject({ message: 'a connection was forgotten by the network' });
  });
});
