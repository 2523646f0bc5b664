import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Counts, Interval } from '../measure/recorder.ts';
import type { FromLoadThread, LoadPlan, LoadResult, ToLoadThread } from './messages.ts';

export interface LoadListener {
  progress(counts: Counts, intervals: readonly Interval[]): void;
  /** Only what was under way is still waited for. */
  ended(): void;
}

export interface RunningLoad {
  /** When the load started, milliseconds since 1970. */
  startedAt: number;
  result: Promise<LoadResult>;
  /** No client starts another operation; those under way are waited for. */
  stop(): void;
  /** Ends the thread at once, with what is under way on it. */
  terminate(): Promise<void>;
}

/** Puts the load on from a thread of its own. Resolves when the clients start. */
export async function startLoad(plan: LoadPlan, listener: LoadListener): Promise<RunningLoad> {
  // A source runs under type stripping, the published package as JavaScript: the thread starts from its like.
  const script = new URL(`./load-thread${extname(import.meta.url)}`, import.meta.url);
  const worker = new Worker(script, { workerData: plan });
  const started = Promise.withResolvers<number>();
  const done = Promise.withResolvers<LoadResult>();
  // Whoever waits for the start is told of a failure there; the result may have nobody waiting yet.
  done.promise.catch(() => {});
  const failed = (error: Error): void => {
    started.reject(error);
    done.reject(error);
  };
  worker.on('error', failed);
  worker.on('exit', (code) => failed(new Error(`the load thread ended early with code ${code}`)));
  worker.on('message', (message: FromLoadThread) => {
    switch (message.type) {
      case 'started':
        return started.resolve(message.at);
      case 'progress':
        return listener.progress(message.counts, message.intervals);
      case 'ended':
        return listener.ended();
      case 'done':
        return done.resolve(message.result);
    }
  });
  return {
    startedAt: await started.promise,
    result: done.promise,
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origin
    stop: () => worker.postMessage({ type: 'stop' } satisfies ToLoadThread),
    terminate: async () => void (await worker.terminate()),
  };
}
