import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Gap } from '../measure/gaps.ts';
import { pause } from '../measure/pause.ts';
import type { Counts, ErrorTally } from '../measure/recorder.ts';
import { totals } from '../run/build-report.ts';
import type { FromWriteThread, ToWriteThread, WriteProgress, WriteThreadPlan } from './write-thread.ts';

const LOOK_MS = 10;

export interface Written {
  counts: Counts;
  errors: ErrorTally[];
}

/** The clients of `bench failover`, in a thread of their own, and what is known of them so far. */
export class Writers {
  readonly #worker: Worker;
  readonly #started = Promise.withResolvers<void>();
  readonly #done = Promise.withResolvers<Written>();
  #gaps: Gap[] = [];
  #serverDeaths: number[] = [];
  #latest: WriteProgress | null = null;
  #failure: Error | null = null;

  private constructor(plan: WriteThreadPlan) {
    const script = new URL(`./write-thread${extname(import.meta.url)}`, import.meta.url);
    this.#worker = new Worker(script, { workerData: plan });
    this.#done.promise.catch(() => {});
    const failed = (error: Error): void => {
      this.#failure = error;
      this.#started.reject(error);
      this.#done.reject(error);
    };
    this.#worker.on('error', failed);
    this.#worker.on('exit', (code) => failed(new Error(`the writers ended early with code ${code}`)));
    this.#worker.on('message', (message: FromWriteThread) => this.#hear(message));
  }

  static async start(plan: WriteThreadPlan): Promise<Writers> {
    const writers = new Writers(plan);
    await writers.#started.promise;
    return writers;
  }

  /** Times without a successful write that ended after this moment; milliseconds since 1970. */
  gapsSince(at: number): Gap[] {
    return this.#gaps.filter(({ to }) => to >= at);
  }

  /** The first time after this moment that the library found a server dead. */
  serverDeadSince(at: number): number | null {
    return this.#serverDeaths.find((death) => death >= at) ?? null;
  }

  /** Calls that did not end in a plain success so far. */
  errors(): number {
    return this.#latest === null ? 0 : totals(this.#latest.counts).errors;
  }

  /** Waits for a write that succeeded after this moment. False when none has within the limit. */
  async succeedsAfter(at: number, limitMs: number, signal: AbortSignal): Promise<boolean> {
    for (const until = performance.now() + limitMs; performance.now() < until;) {
      signal.throwIfAborted();
      if (this.#failure !== null) throw this.#failure;
      if ((this.#latest?.lastSuccessAt ?? 0) > at) return true;
      await pause(LOOK_MS, signal);
    }
    return false;
  }

  /** No client starts another write; those under way are waited for. */
  stop(): Promise<Written> {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origin
    this.#worker.postMessage({ type: 'stop' } satisfies ToWriteThread);
    return this.#done.promise;
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  #hear(message: FromWriteThread): void {
    switch (message.type) {
      case 'started':
        return this.#started.resolve();
      case 'progress':
        this.#latest = message.progress;
        this.#gaps.push(...message.progress.gaps);
        return;
      case 'server-dead':
        this.#serverDeaths.push(message.at);
        return;
      case 'done':
        return this.#done.resolve(message);
    }
  }
}
