import { Listr } from 'listr2';
import type { StepId } from '../../manifests/manifest.ts';
import type { Progress } from '../../steps/run-steps.ts';
import type { ClusterTexts } from '../cluster-texts.ts';
import type { ProgressView } from './progress-view.ts';

/** The part of listr2's tasks that is drawn. */
interface Drawn {
  title: string;
  output: string;
}

/**
 * Steps as a list that is redrawn: done, under way, to come. Under the current one stands what is being done or waited for,
 * and for how long. listr2 only draws; what happens, and when, is decided elsewhere.
 */
export class LiveView implements ProgressView {
  readonly #texts: ClusterTexts;
  readonly #ends: ReadonlyMap<StepId, PromiseWithResolvers<void>>;
  readonly #tasks = new Map<StepId, Drawn>();
  readonly #drawing: Promise<void>;
  readonly #timer: NodeJS.Timeout;
  #current: { readonly step: StepId; line: string; sinceMs: number } | undefined;

  constructor(steps: readonly StepId[], texts: ClusterTexts) {
    this.#texts = texts;
    this.#ends = new Map(steps.map((step) => [step, Promise.withResolvers<void>()]));
    // A step that is never reached is never waited for.
    for (const { promise } of this.#ends.values()) promise.catch(() => {});
    const list = new Listr(
      steps.map((step) => ({
        title: step,
        task: async (_, task) => {
          this.#tasks.set(step, task);
          this.#draw();
          await this.#ends.get(step)?.promise;
        },
      })),
      // Signals are ours. What has gone wrong is said afterwards, in whole sentences.
      {
        registerSignalListeners: false,
        rendererOptions: { showErrorMessage: false, collapseErrors: false, formatOutput: 'wrap' },
      },
    );
    this.#drawing = list.run().then(
      () => {},
      () => {},
    );
    this.#timer = setInterval(() => this.#draw(), 1_000);
  }

  report(progress: Progress, line: string): void {
    if (progress.type === 'step:started') {
      this.#current = { step: progress.step, line: '', sinceMs: performance.now() };
    } else if (progress.type === 'step:done') {
      const task = this.#tasks.get(progress.step);
      if (task !== undefined) task.title = `${progress.step}: ${line.trim()}`;
      this.#current = undefined;
      this.#ends.get(progress.step)?.resolve();
    } else if (this.#current !== undefined) {
      this.#current.line = line.trim();
      this.#current.sinceMs = performance.now();
    }
    this.#draw();
  }

  async end(): Promise<void> {
    clearInterval(this.#timer);
    for (const { reject } of this.#ends.values()) reject(new Error('ended'));
    await this.#drawing;
  }

  #draw(): void {
    if (this.#current === undefined) return;
    const { step, line, sinceMs } = this.#current;
    const task = this.#tasks.get(step);
    if (task === undefined) return;
    const seconds = Math.floor((performance.now() - sinceMs) / 1_000);
    task.output = seconds === 0 ? line : this.#texts.sinceSeconds(line, seconds);
  }
}
