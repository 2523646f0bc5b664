/** Runs many schedules on several threads, up to the first that fails. */
import { Worker } from 'node:worker_threads';
import { generate } from './generate.ts';
import type { HistoryLine, Violation } from './invariants.ts';
import type { Schedule } from './schedule.ts';
import type { Tally } from './tally.ts';
import { addTally, emptyTally } from './tally.ts';
import type { Answer, FailedSchedule, Order, WorkerOptions } from './worker-messages.ts';

export interface SimulateOptions {
  readonly schedules: number;
  /** The first seed; the others follow it. */
  readonly seed: number;
  readonly workers: number;
  readonly mutation?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (tally: Tally) => void;
}

export interface Simulated {
  readonly tally: Tally;
  /** The one with the lowest seed among those that were found. */
  readonly failed: FailedSchedule | undefined;
}

export interface Replayed {
  readonly violations: readonly Violation[];
  readonly history: readonly HistoryLine[];
}

const CHUNK = 25;
/** A chunk takes well under a second; a client that spins for ever would never end. */
const STUCK_MS = 120_000;

/** @throws Error where the simulation itself fails, or a thread hangs. */
export async function simulate(options: SimulateOptions): Promise<Simulated> {
  const tally = emptyTally();
  const failures: FailedSchedule[] = [];
  let next = 0;
  const work = async (thread: SimulationThread): Promise<void> => {
    while (next < options.schedules && failures.length === 0 && options.signal?.aborted !== true) {
      const from = next;
      next += CHUNK;
      const count = Math.min(CHUNK, options.schedules - from);
      const answer = await thread.ask({ kind: 'range', from: options.seed + from, count });
      if (answer.kind !== 'ran') throw new Error(`unexpected answer: ${answer.kind}`);
      addTally(tally, answer.tally);
      if (answer.failed !== undefined) failures.push(answer.failed);
      options.onProgress?.(tally);
    }
  };
  await Promise.all(
    Array.from({ length: options.workers }, () => withThread({ mutation: options.mutation }, work)),
  );
  return { tally, failed: failures.toSorted((one, other) => one.seed - other.seed)[0] };
}

/** Runs one schedule and keeps its history. */
export function replay(schedule: Schedule, options: WorkerOptions = {}): Promise<Replayed> {
  return withThread(options, async (thread) => {
    const answer = await thread.ask({ kind: 'replay', schedule });
    if (answer.kind !== 'replayed') throw new Error(`unexpected answer: ${answer.kind}`);
    return answer;
  });
}

/** The smallest schedule found that fails like this one, and what happens in it. */
export function explain(
  { seed, violation }: FailedSchedule,
  options: WorkerOptions = {},
): Promise<{ readonly schedule: Schedule } & Replayed> {
  return withThread(options, async (thread) => {
    const { invariant } = violation;
    const shrunk = await thread.ask({ kind: 'shrink', schedule: generate(seed), invariant });
    if (shrunk.kind !== 'shrunk') throw new Error(`unexpected answer: ${shrunk.kind}`);
    const replayed = await thread.ask({ kind: 'replay', schedule: shrunk.schedule });
    if (replayed.kind !== 'replayed') throw new Error(`unexpected answer: ${replayed.kind}`);
    return { schedule: shrunk.schedule, ...replayed };
  });
}

async function withThread<T>(
  options: WorkerOptions,
  use: (thread: SimulationThread) => Promise<T>,
): Promise<T> {
  const thread = new SimulationThread(options);
  try {
    return await use(thread);
  } finally {
    await thread.close();
  }
}

class SimulationThread {
  readonly #worker: Worker;

  constructor(options: WorkerOptions) {
    this.#worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: options });
  }

  async ask(order: Order): Promise<Answer> {
    let stuck: NodeJS.Timeout | undefined;
    try {
      return await new Promise<Answer>((resolve, reject) => {
        stuck = setTimeout(
          () => reject(new Error(`a simulation did not end: ${JSON.stringify(order).slice(0, 200)}`)),
          STUCK_MS,
        );
        this.#worker.removeAllListeners();
        this.#worker.once('message', (answer: Answer) => {
          if (answer.kind === 'broken') reject(new Error(`the simulation failed: ${answer.reason}`));
          else resolve(answer);
        });
        this.#worker.once('error', reject);
        this.#worker.once('exit', (code) => reject(new Error(`a thread ended by itself (${code})`)));
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origin
        this.#worker.postMessage(order);
      });
    } finally {
      clearTimeout(stuck);
    }
  }

  async close(): Promise<void> {
    this.#worker.removeAllListeners();
    await this.#worker.terminate();
  }
}
