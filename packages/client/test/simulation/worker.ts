/** A thread that simulates. It has its own global timers, which are faked, and its own copy of the client. */
import { parentPort, workerData } from 'node:worker_threads';
import { applyMutation } from './mutate.ts';
import { MUTATIONS } from './mutations.ts';
import type { Answer, Order, WorkerOptions } from './worker-messages.ts';
import { generate } from './generate.ts';
import { shrink } from './shrink.ts';
import { addRun, emptyTally } from './tally.ts';

const { mutation: mutationName } = workerData as WorkerOptions;
const mutation = MUTATIONS.find(({ name }) => name === mutationName);
if (mutation !== undefined) applyMutation(mutation);
const { runSchedule } = await import('./run.ts');

async function obey(order: Order): Promise<Answer> {
  switch (order.kind) {
    case 'range':
      return runRange(order.from, order.count);
    case 'replay': {
      const { schedule } = order;
      const { violations, history, virtualMs } = await runSchedule(schedule, { history: true });
      return { kind: 'replayed', violations, history, virtualMs };
    }
    case 'shrink': {
      const { schedule, invariant } = order;
      const shrunk = await shrink(schedule, async (candidate) => {
        const { violations } = await runSchedule(candidate);
        return violations.some((each) => each.invariant === invariant);
      });
      return { kind: 'shrunk', schedule: shrunk };
    }
  }
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

parentPort!.on('message', (order: Order) => {
  obey(order).then(
    (answer) => parentPort!.postMessage(answer),
    (error: unknown) =>
      parentPort!.postMessage({
        kind: 'broken',
        reason: error instanceof Error ? (error.stack ?? error.message) : String(error),
      } satisfies Answer),
  );
});
