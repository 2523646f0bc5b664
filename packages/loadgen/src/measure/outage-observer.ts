import { once } from 'node:events';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { FromOutageThread, OutageThreadPlan, ToOutageThread } from './outage-thread.ts';
import type { Attempt } from './outage.ts';

/** Finds out, apart from every driver, when the master address can be written to again. */
export class OutageObserver {
  readonly #worker: Worker;
  readonly #failed: Promise<never>;

  private constructor(worker: Worker) {
    this.#worker = worker;
    this.#failed = once(worker, 'error').then(([error]) => {
      throw error as Error;
    });
    // It may fail while nobody waits for it; whoever asks next is told.
    this.#failed.catch(() => {});
  }

  /** Resolves when the observer could measure from now on. */
  static async start(plan: OutageThreadPlan): Promise<OutageObserver> {
    const script = new URL(`./outage-thread${extname(import.meta.url)}`, import.meta.url);
    const observer = new OutageObserver(new Worker(script, { workerData: plan }));
    await observer.#next('ready');
    return observer;
  }

  /** Keeps trying until a write succeeds after one has failed, or none has failed for some seconds. */
  watch(): void {
    this.#send({ type: 'watch' });
  }

  /** Every attempt made, those under way waited for. */
  async attempts(): Promise<Attempt[]> {
    this.#send({ type: 'finish' });
    return (await this.#next('attempts')).attempts;
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  async #next<Type extends FromOutageThread['type']>(
    type: Type,
  ): Promise<Extract<FromOutageThread, { type: Type }>> {
    for (;;) {
      const answer = once(this.#worker, 'message') as Promise<[FromOutageThread]>;
      const [message] = await Promise.race([answer, this.#failed]);
      if (message.type === type) return message as Extract<FromOutageThread, { type: Type }>;
    }
  }

  #send(message: ToOutageThread): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origin
    this.#worker.postMessage(message);
  }
}
