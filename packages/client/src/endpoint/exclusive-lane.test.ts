import { describe, expect, it } from 'vitest';
import { FakeServer, result, sqlError } from '../../test/support/fake-server.ts';
import { VirtualClock, settle } from '../../test/support/virtual-clock.ts';
import { ConnectionRejectedError } from '../errors/connection-errors.ts';
import { Deadline } from '../runtime/deadline.ts';
import type { ExclusiveLaneOptions } from './exclusive-lane.ts';
import { ExclusiveLane } from './exclusive-lane.ts';
import type { Lease } from './lease.ts';
import type { Waiting } from './waiting-line.ts';

/** They have somewhere else to go. */
const IMPATIENT = { impatient: true };

function makeLane(
  options: Partial<ExclusiveLaneOptions> = {},
  open?: (server: FakeServer) => Promise<unknown>,
  hasRoom: () => boolean = () => true,
) {
  const clock = new VirtualClock();
  const server = new FakeServer();
  const seen: string[] = [];
  const lane = new ExclusiveLane(
    {
      name: 'master (db:5432)',
      maxConnections: 2,
      maxWaiting: 1_000,
      idleTimeoutMs: 10_000,
      maxLifetimeMs: 60_000,
      ...options,
    },
    {
      open: async () => {
        await open?.(server);
        return server.connect();
      },
      onUp: () => seen.push('up'),
      onDown: () => seen.push('down'),
      onOpened: () => {},
      hasRoom,
    },
    { clock, random: () => 0.5 },
  );
  const acquire = (ms = 60_000, waiting: Waiting = {}) => lane.acquire(new Deadline(clock, ms), waiting);
  return { lane, clock, server, seen, acquire };
}

describe('ExclusiveLane', () => {
  it('opens no more connections than it may, however many callers there are', async () => {
    const { lane, server, acquire } = makeLane({ maxConnections: 5 });
    let done = 0;
    const callers = Array.from({ length: 300 }, async () => {
      const lease = await acquire();
      await settle();
      lease.release();
      done += 1;
    });
    await Promise.all(callers);
    expect(done).toBe(300);
    expect(server.openAtMost).toBe(5);
    await lane.close();
    expect(server.wires.size).toBe(0);
  });

  it('opens at most two connections at the same time', async () => {
    let opening = 0;
    let openingAtMost = 0;
    const { acquire } = makeLane({ maxConnections: 10 }, async () => {
      opening += 1;
      openingAtMost = Math.max(openingAtMost, opening);
      await settle();
      opening -= 1;
    });
    const leases = await Promise.all(Array.from({ length: 10 }, () => acquire()));
    expect(leases).toHaveLength(10);
    expect(openingAtMost).toBe(2);
  });

  it('keeps to two attempts and to its backoff also when many come while one connection is idle', async () => {
    const { lane, clock, server, acquire } = makeLane({ maxConnections: 20 });
    (await acquire()).release();
    server.refusal = sqlError('ECONNREFUSED');
    const callers = Array.from({ length: 300 }, () => acquire(1_000).catch(() => {}));
    await settle();
    expect(server.connects).toBeLessThanOrEqual(3);
    expect(lane.state.opening).toBeLessThanOrEqual(2);
    await clock.advance(1_000);
    await Promise.all(callers);
  });

  it('gives a returned connection to the caller that has waited longest, and to the urgent one before', async () => {
    const { lane, clock, acquire } = makeLane({ maxConnections: 1 });
    const held = await acquire();
    const served: string[] = [];
    const join = (caller: string, urgent: boolean) =>
      lane.acquire(new Deadline(clock, 60_000), { urgent }).then((lease) => {
        served.push(caller);
        lease.release();
      });
    const all = [join('first', false), join('second', false), join('settling', true)];
    held.release();
    await Promise.all(all);
    expect(served).toEqual(['settling', 'first', 'second']);
  });

  it('refuses at once who comes to a full line, with the numbers of the moment', async () => {
    const { acquire } = makeLane({ maxConnections: 1, maxWaiting: 1 });
    await acquire();
    const waiting = acquire();
    await expect(acquire()).rejects.toMatchObject({
      code: 'SCHOOLDB_WAITING_LINE_FULL',
      outcome: 'not-executed',
      message: expect.stringMatching(/1 of 1 connections leased .* 1 waiting/),
    });
    void waiting;
  });

  it('serves as many callers as there is room for, where nobody may wait', async () => {
    const { acquire } = makeLane({ maxConnections: 2, maxWaiting: 0 });
    await Promise.all([acquire(), acquire()]);
    await expect(acquire()).rejects.toMatchObject({ code: 'SCHOOLDB_WAITING_LINE_FULL' });
  });

  it('tells a caller whose time is up in the line that nothing was executed, and forgets it', async () => {
    const { lane, clock, acquire } = makeLane({ maxConnections: 1 });
    const held = await acquire();
    const late = acquire(500);
    const refused = expect(late).rejects.toMatchObject({
      code: 'SCHOOLDB_DEADLINE_EXCEEDED',
      outcome: 'not-executed',
    });
    await clock.advance(500);
    await refused;
    expect(lane.state.waiting).toBe(0);
    held.release();
    await settle();
    expect(lane.state).toMatchObject({ leased: 0, open: 1 });
  });

  it('keeps its callers while nothing can be connected, tries again with backoff, and serves them then', async () => {
    const { lane, clock, server, seen, acquire } = makeLane();
    server.refusal = sqlError('ECONNREFUSED');
    const callers = Array.from({ length: 300 }, () => acquire().then((lease: Lease) => lease.release()));
    await clock.advance(5_000);
    // Pauses of at most 200 ms, two at a time at most: a single caller would not have tried more often.
    expect(server.connects).toBeGreaterThan(20);
    expect(server.connects).toBeLessThan(200);
    expect(seen).toEqual(['down']);
    server.refusal = undefined;
    await clock.advance(200);
    await Promise.all(callers);
    expect(seen).toEqual(['down', 'up']);
    await lane.close();
  });

  it('wakes from a long pause when somebody comes', async () => {
    const { clock, server, acquire } = makeLane();
    server.refusal = sqlError('ECONNREFUSED');
    const first = acquire(100).catch(() => {});
    await clock.advance(60_000);
    await first;
    server.refusal = undefined;
    const second = acquire();
    await clock.advance(200);
    (await second).release();
  });

  it('sends impatient callers away while it is down, and finds out by itself when it is back', async () => {
    const { clock, server, seen, acquire } = makeLane();
    server.refusal = sqlError('ECONNREFUSED');
    await expect(acquire(60_000, IMPATIENT)).rejects.toMatchObject({ code: 'SCHOOLDB_ENDPOINT_DOWN' });
    await expect(acquire(60_000, IMPATIENT)).rejects.toMatchObject({ code: 'SCHOOLDB_ENDPOINT_DOWN' });
    server.refusal = undefined;
    await clock.advance(10_000);
    expect(seen).toEqual(['down', 'up']);
    (await acquire()).release();
  });

  it('tells everybody at once when trying again is pointless', async () => {
    const { server, acquire } = makeLane();
    server.refusal = new ConnectionRejectedError('wrong password');
    const refusals = await Promise.allSettled([acquire(), acquire(), acquire()]);
    expect(refusals.map((each) => each.status)).toEqual(['rejected', 'rejected', 'rejected']);
  });

  it('keeps a connection whose statement failed, and closes one that is lost, in a transaction or owes an answer', async () => {
    const { server, acquire } = makeLane({ maxConnections: 1 });
    const first = await acquire();
    first.release();
    const again = await acquire();
    expect(again.connection.wire).toBe(first.connection.wire);
    server.wires.values().next().value!.transactionStatus = 'open';
    again.release();
    const fresh = await acquire();
    expect(fresh.connection.wire).not.toBe(first.connection.wire);
    expect(server.wires.size).toBe(1);
  });

  it('ends retired connections: unused ones now, busy ones when their statement is answered', async () => {
    const { lane, server, acquire } = makeLane({ maxConnections: 3 });
    const [busy, lent, idle] = await Promise.all([acquire(), acquire(), acquire()]);
    idle.release();
    const { promise, resolve } = Promise.withResolvers<ReturnType<typeof result>>();
    server.answer = () => promise;
    const answer = busy.connection.wire.query({ text: 'SELECT 1' });
    const reason = new Error('another server has taken over');
    lane.retire(() => true, reason);
    await settle();
    expect(server.wires.size).toBe(1);
    await expect(lent.connection.wire.query({ text: 'SELECT 2' })).rejects.toMatchObject({ sent: false });
    resolve(result('SELECT'));
    expect(await answer).toMatchObject({ command: 'SELECT' });
    await settle();
    expect(busy.connection.wire.lostBecause).toBe(reason);
    for (const lease of [busy, lent]) lease.release();
    expect(server.wires.size).toBe(0);
  });

  it('lends nothing while it is suspended, and opens connections one by one after that', async () => {
    const { lane, clock, server, acquire } = makeLane({ maxConnections: 5 });
    lane.suspend(new Error('they keep breaking'));
    const callers = Array.from({ length: 5 }, () => acquire());
    await clock.advance(5_000);
    expect([server.connects, lane.state.waiting]).toEqual([0, 5]);
    lane.resume();
    await settle();
    expect(server.connects).toBeLessThanOrEqual(2);
    await clock.advance(200);
    await Promise.all(callers);
    expect(server.connects).toBe(5);
  });

  it('tells impatient callers at once that there is nothing to wait for, and lets the others wait', async () => {
    const { lane, clock, server, acquire } = makeLane();
    server.refusal = sqlError('ECONNREFUSED');
    const patient = acquire();
    const impatient = lane.acquire(new Deadline(clock, 60_000), { impatient: true });
    await expect(impatient).rejects.toMatchObject({ code: 'SCHOOLDB_ENDPOINT_DOWN' });
    server.refusal = undefined;
    await clock.advance(1_000);
    expect((await patient).connection.wire.lostBecause).toBeUndefined();
  });

  it('sends impatient callers elsewhere when it takes no new connection, though one works', async () => {
    const { server, acquire } = makeLane({ maxConnections: 3 });
    await acquire();
    server.refusal = sqlError('53300');
    await expect(acquire(60_000, IMPATIENT)).rejects.toMatchObject({ code: 'SCHOOLDB_ENDPOINT_DOWN' });
  });

  it('forgets a caller that was served elsewhere', async () => {
    const { lane, acquire } = makeLane({ maxConnections: 1 });
    const held = await acquire();
    const elsewhere = new AbortController();
    const waiting = expect(acquire(60_000, { signal: elsewhere.signal })).rejects.toBe('served');
    elsewhere.abort('served');
    await waiting;
    expect(lane.state.waiting).toBe(0);
    held.release();
  });

  it('tries again soon when it is told that something has changed', async () => {
    const { lane, clock, server, seen, acquire } = makeLane();
    server.refusal = sqlError('ECONNREFUSED');
    await acquire(60_000, IMPATIENT).catch(() => {});
    await clock.advance(60_000);
    server.refusal = undefined;
    lane.hurry();
    await clock.advance(100);
    expect(seen).toEqual(['down', 'up']);
  });

  it('opens nothing beyond the sockets that there is room for', async () => {
    let room = false;
    const { lane, clock, server, acquire } = makeLane({}, undefined, () => room);
    const waiting = acquire();
    await settle();
    expect(server.connects).toBe(0);
    room = true;
    lane.resume();
    await clock.advance(100);
    expect((await waiting).connection).toBeDefined();
  });

  it('replaces a connection that has reached its age', async () => {
    const { clock, acquire } = makeLane({ maxLifetimeMs: 1_000 });
    const young = await acquire();
    young.release();
    await clock.advance(1_001);
    const next = await acquire();
    expect(next.connection.wire).not.toBe(young.connection.wire);
  });

  it('refuses waiting and new callers when it is closed, and waits for what is lent', async () => {
    const { lane, server, acquire } = makeLane({ maxConnections: 1 });
    const held = await acquire();
    const waiting = expect(acquire()).rejects.toMatchObject({ code: 'SCHOOLDB_CLOSED' });
    let closed = false;
    const closing = lane.close().then(() => (closed = true));
    await waiting;
    await settle();
    expect(closed).toBe(false);
    held.release();
    await closing;
    expect(server.wires.size).toBe(0);
    await expect(acquire()).rejects.toMatchObject({ code: 'SCHOOLDB_CLOSED' });
  });
});
