/** A thread that simulates. It has its own global timers, which are faked, and its own copy of the client. */
import { parentPort, workerData } from 'node:worker_threads';
import { applyMutation } from './mutate.ts';
import { MUTATIONS } from './mutations.ts';
import type { Answer, Order, WorkerOptions } from './worker-messages.ts';
import { generate } from './generate.ts';
import type { Schedule } from './schedule.ts';
import { shrink } from './shrink.ts';
import { addRun, emptyTally } from './tally.ts';

const { mutation: mutationName } = workerData as WorkerOptions;
const mutation = MUTATIONS.find(({ name }) => name === mutationName);
if (mutation !== undefined) applyMutation(mutation);
const { runSchedule } = await import('./run.ts');

async function obey(order: Order): Promise<Answer> {
  if (order.kind === 'range') return runRange(order.from, order.count);
  const { schedule } = order;
  if (order.kind === 'replay') {
    const { violations, history, virtualMs } = await runSchedule(schedule, { history: true });
    return { kind: 'replayed', violations, history, virtualMs };
  }
  const failsAlike = async (candidate: Schedule) => {
    const { violations } = await runSchedule(candidate);
    return violations.some((each) => each.invariant === order.invariant);
  };
  return { kind: 'shrunk', schedule: await shrink(schedule, failsAlike) };
}

async function runRange(from: number, count: number): Promise<Answer> {
  const tally = emptyTally();
  for (let seed = from; seed < from + count; seed += 1) {
    const schedule = generate(seed);
    const result = await runSchedule(schedule);
    addRun(tally, schedule, result);
    const [violation] = result.violations;
    if (violation !== undefined) return { kind: 'ran', tally, failed: { seed, violation } };
  }
  return { kind: 'ran', tally };
}

const port = parentPort;
if (port === null) throw new Error('worker.ts is started as a worker thread by simulator.ts');
const tell = (answer: Answer): void => port.postMessage(answer);

port.on('message', (order: Order) => {
  obey(order).then(tell, (error: unknown) =>
    tell({
      kind: 'broken',
      reason: error instanceof Error ? (error.stack ?? error.message) : String(error),
    }),
  );
});
