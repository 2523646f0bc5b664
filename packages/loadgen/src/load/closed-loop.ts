import { setMaxListeners } from 'node:events';
import { setImmediate, setTimeout } from 'node:timers/promises';
import type { Driver } from '../drivers/driver.ts';
import { epochMs } from '../measure/clock.ts';
import { seededRandom } from '../measure/random.ts';
import type { Random } from '../measure/random.ts';
import type { Recorder } from '../measure/recorder.ts';
import type { Script, Workload } from '../workloads/workload.ts';

export interface ClosedLoopOptions {
  clients: number;
  /** The pause of a client between an answer and its next operation, in milliseconds. */
  thinkMs: number;
  seed: number;
  /** Ends the load: no client starts another operation. */
  signal: AbortSignal;
  /** How long to wait for the operations under way at the end, in milliseconds. */
  drainMs: number;
}

/**
 * Every client does one operation at a time and thinks in between. A closed loop cannot show queueing: a stalled
 * server also stalls the arrival of work, so its percentiles hide an outage and the longest stall is told beside them.
 */
export async function runClosedLoop(
  driver: Driver,
  workload: Workload,
  recorder: Recorder,
  options: ClosedLoopOptions,
): Promise<void> {
  setMaxListeners(0, options.signal);
  const drained = new AbortController();
  const clients = Array.from({ length: options.clients }, (_, client) => {
    const random = seededRandom(options.seed + client);
    const script = workload.script(client, driver.session(), random);
    return simulate(client, script, random, recorder, options);
  });
  await Promise.race([Promise.all(clients), limitDrain(options, drained.signal)]);
  drained.abort();
  recorder.giveUp(epochMs());
}

async function simulate(
  client: number,
  script: Script,
  random: Random,
  recorder: Recorder,
  { thinkMs, signal }: ClosedLoopOptions,
): Promise<void> {
  // Spread over one think time, as people are; all at once would measure the herd.
  let dueAt = epochMs() + random() * thinkMs;
  while (await isDue(dueAt, signal)) {
    const sentAt = epochMs();
    const { kind, answer } = script.next();
    // A timer may fire a little early; nobody's response is shorter than the service.
    recorder.begin(client, { kind, dueAt: Math.min(dueAt, sentAt), sentAt });
    const answered = await answer;
    const doneAt = epochMs();
    recorder.end(client, answered, doneAt);
    dueAt = doneAt + thinkMs;
  }
}

/** Resolves when it is time for the next operation, with false once the load has ended. */
async function isDue(dueAt: number, signal: AbortSignal): Promise<boolean> {
  const waitMs = dueAt - epochMs();
  try {
    // A turn of the event loop even without think time: a driver that refuses at once would starve it.
    await (waitMs > 0 ? setTimeout(waitMs, undefined, { signal }) : setImmediate(undefined, { signal }));
  } catch {
    return false;
  }
  return true;
}

async function limitDrain({ signal, drainMs }: ClosedLoopOptions, drained: AbortSignal): Promise<void> {
  if (!signal.aborted) {
    const { promise, resolve } = Promise.withResolvers<void>();
    signal.addEventListener('abort', () => resolve(), { once: true });
    await promise;
  }
  await setTimeout(drainMs, undefined, { signal: drained }).catch(() => {});
}
