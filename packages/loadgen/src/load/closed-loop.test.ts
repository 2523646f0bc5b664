import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Answer, Driver } from '../drivers/driver.ts';
import { epochMs } from '../measure/clock.ts';
import { Recorder } from '../measure/recorder.ts';
import { randomRow } from '../workloads/random-row.ts';
import { runClosedLoop } from './closed-loop.ts';

const OK: Answer = { outcome: 'ok', rows: [] };
const options = { clients: 5, thinkMs: 2, seed: 1, drainMs: 20_000 };

function driverThat(read: () => Promise<Answer>): Driver {
  return { session: () => ({ read, write: read }), close: async () => {} };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await setTimeout(1);
}

describe('runClosedLoop', () => {
  it('lets each client do one operation at a time', async () => {
    const stop = new AbortController();
    let open = 0;
    let most = 0;
    let done = 0;
    const driver = driverThat(async () => {
      most = Math.max(most, ++open);
      await setTimeout(1);
      open--;
      done++;
      return OK;
    });
    const recorder = new Recorder('read', epochMs());
    const load = runClosedLoop(driver, randomRow, recorder, { ...options, signal: stop.signal });
    await until(() => done > 50);
    stop.abort();
    await load;
    expect(most).toBeLessThanOrEqual(5);
    expect(recorder.counts().read.ok).toBe(done);
    expect(open).toBe(0);
  });

  it('waits at the end for what is under way', async () => {
    const stop = new AbortController();
    const gate = Promise.withResolvers<Answer>();
    let asked = 0;
    const driver = driverThat(() => {
      asked++;
      return gate.promise;
    });
    const recorder = new Recorder('read', epochMs());
    const load = runClosedLoop(driver, randomRow, recorder, { ...options, signal: stop.signal });
    await until(() => asked === 5);
    stop.abort();
    // Later than the end of the load, and much sooner than the limit.
    void setTimeout(10).then(() => gate.resolve(OK));
    await load;
    expect(recorder.counts().read).toMatchObject({ ok: 5, unknown: 0 });
  });

  it('gives up on what does not answer, and counts it', async () => {
    const stop = new AbortController();
    let asked = 0;
    const driver = driverThat(() => {
      asked++;
      return new Promise(() => {});
    });
    const recorder = new Recorder('read', epochMs());
    const load = runClosedLoop(driver, randomRow, recorder, { ...options, signal: stop.signal, drainMs: 1 });
    await until(() => asked === 5);
    stop.abort();
    await load;
    expect(recorder.counts().read).toMatchObject({ ok: 0, unknown: 5 });
  });

  it('does not starve the event loop when a driver refuses at once and nobody thinks', async () => {
    const stop = new AbortController();
    const driver = driverThat(() => Promise.resolve(OK));
    const recorder = new Recorder('read', epochMs());
    const load = runClosedLoop(driver, randomRow, recorder, { ...options, thinkMs: 0, signal: stop.signal });
    // More than each client's first one, seen by a timer: it comes only where the loop has its turn.
    await until(() => recorder.counts().read.ok > 5);
    stop.abort();
    await load;
    expect(recorder.counts().read.unknown).toBe(0);
  });
});
