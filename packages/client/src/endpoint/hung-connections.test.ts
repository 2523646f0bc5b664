import { describe, expect, it } from 'vitest';
import { FakeServer, SILENCE, result } from '../../test/support/fake-server.ts';
import { VirtualClock } from '../../test/support/virtual-clock.ts';
import { ResponsiveClock } from '../runtime/responsive-clock.ts';
import { ASK_ACTIVE } from '../wire/sql.ts';
import { HUNG_DEFAULTS, HungConnections } from './hung-connections.ts';

const { silentMs, graceMs, intervalMs } = HUNG_DEFAULTS;

async function makeWatch(isActive: boolean) {
  const clock = new VirtualClock();
  const responsive = new ResponsiveClock(clock);
  const server = new FakeServer();
  let questions = 0;
  server.answer = (text) => {
    if (text !== ASK_ACTIVE) return SILENCE;
    questions += 1;
    return result('SELECT', isActive ? [{ pid: 1 }] : []);
  };
  const [lent, other] = [await server.connect(), await server.connect()];
  const hung: string[] = [];
  let replaced = false;
  const watch = new HungConnections(
    {
      lent: () => [lent],
      borrow: () => Promise.resolve({ connection: other, isUsed: () => false, giveBack: () => {} }),
      isReplaced: () => replaced,
      onHung: (connection, because) => {
        expect(connection).toBe(lent);
        hung.push(because);
      },
    },
    { clock, responsive },
  );
  responsive.onTick((punctual) => watch.look(punctual));
  lent.wire.query({ text: 'SELECT report()' }).catch(() => {});
  const replace = () => (replaced = true);
  return { clock, lent, hung, replace, questions: () => questions };
}

describe('HungConnections', () => {
  it('closes a connection whose backend has nothing to do, though an answer is owed', async () => {
    const { clock, hung } = await makeWatch(false);
    await clock.advance(silentMs + graceMs - 200);
    expect(hung).toEqual([]);
    await clock.advance(600);
    expect(hung).toEqual(['forgotten']);
  });

  it('leaves a slow statement alone, and asks about it now and then only', async () => {
    const { clock, hung, questions } = await makeWatch(true);
    await clock.advance(60_000);
    expect(hung).toEqual([]);
    expect(questions()).toBeLessThanOrEqual(60_000 / intervalMs);
    expect(questions()).toBeGreaterThan(1);
  });

  it('waits for an answer that may be under way', async () => {
    const { clock, lent, hung } = await makeWatch(false);
    await clock.advance(silentMs + graceMs / 2);
    Object.assign(lent.wire, { bytesRead: 100 });
    await clock.advance(silentMs);
    expect(hung).toEqual([]);
  });

  it('blames nobody while our own event loop stalls', async () => {
    const { clock, hung } = await makeWatch(false);
    await clock.advance(1_000);
    await clock.stall(10_000);
    expect(hung).toEqual([]);
  });

  it('closes a connection that waits for a primary that was replaced', async () => {
    const { clock, hung, replace } = await makeWatch(true);
    await clock.advance(10_000);
    replace();
    await clock.advance(graceMs - 200);
    expect(hung).toEqual([]);
    await clock.advance(600);
    expect(hung).toEqual(['replaced']);
  });

  it('lets a replaced primary give the answers that are under way', async () => {
    const { clock, lent, hung, replace } = await makeWatch(true);
    replace();
    await clock.advance(graceMs / 2);
    Object.assign(lent.wire, { bytesRead: 100, unanswered: 0 });
    await clock.advance(10 * graceMs);
    expect(hung).toEqual([]);
  });
});
