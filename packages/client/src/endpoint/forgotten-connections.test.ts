import { describe, expect, it } from 'vitest';
import { FakeServer, SILENCE, result } from '../../test/support/fake-server.ts';
import { VirtualClock } from '../../test/support/virtual-clock.ts';
import { ResponsiveClock } from '../runtime/responsive-clock.ts';
import { ASK_ACTIVE } from '../wire/sql.ts';
import { FORGOTTEN_DEFAULTS, ForgottenConnections } from './forgotten-connections.ts';

const { silentMs, graceMs, intervalMs } = FORGOTTEN_DEFAULTS;

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
  const forgotten: number[] = [];
  const watch = new ForgottenConnections(
    {
      lent: () => [lent],
      borrow: () => Promise.resolve({ connection: other, isUsed: () => false, giveBack: () => {} }),
      onForgotten: (connection, silent) => {
        expect(connection).toBe(lent);
        forgotten.push(silent);
      },
    },
    { clock, responsive },
  );
  responsive.onTick((punctual) => watch.look(punctual));
  lent.wire.query({ text: 'SELECT report()' }).catch(() => {});
  return { clock, lent, forgotten, questions: () => questions };
}

describe('ForgottenConnections', () => {
  it('closes a connection whose backend has nothing to do, though an answer is owed', async () => {
    const { clock, forgotten } = await makeWatch(false);
    await clock.advance(silentMs + graceMs - 200);
    expect(forgotten).toEqual([]);
    await clock.advance(600);
    expect(forgotten).toHaveLength(1);
  });

  it('leaves a slow statement alone, and asks about it now and then only', async () => {
    const { clock, forgotten, questions } = await makeWatch(true);
    await clock.advance(60_000);
    expect(forgotten).toEqual([]);
    expect(questions()).toBeLessThanOrEqual(60_000 / intervalMs);
    expect(questions()).toBeGreaterThan(1);
  });

  it('waits for an answer that may be under way', async () => {
    const { clock, lent, forgotten } = await makeWatch(false);
    await clock.advance(silentMs + graceMs / 2);
    Object.assign(lent.wire, { bytesRead: 100 });
    await clock.advance(silentMs);
    expect(forgotten).toEqual([]);
  });

  it('blames nobody while our own event loop stalls', async () => {
    const { clock, forgotten } = await makeWatch(false);
    await clock.advance(1_000);
    await clock.stall(10_000);
    expect(forgotten).toEqual([]);
  });
});
