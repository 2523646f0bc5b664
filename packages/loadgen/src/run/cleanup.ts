/**
 * What has to be undone at the end, in reverse order. (AsyncDisposableStack does the same, from Node 24 on; this package
 * runs on Node 22.)
 */
export class Cleanup {
  readonly #steps: (() => unknown)[] = [];
  #running: Promise<void> | null = null;

  /** True from the moment {@link Cleanup.run} was called. */
  get started(): boolean {
    return this.#running !== null;
  }

  /** What comes when the cleaning up has begun is undone at once: nobody would do it later. */
  defer(step: () => unknown): void {
    if (this.started) void Promise.resolve().then(step);
    else this.#steps.push(step);
  }

  /**
   * Undoes everything, once, however often it is called.
   *
   * @throws the first failure, after all steps were tried.
   */
  run(): Promise<void> {
    this.#running ??= this.#undo();
    return this.#running;
  }

  async #undo(): Promise<void> {
    const failures: unknown[] = [];
    for (const step of this.#steps.toReversed())
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    if (failures.length > 0) throw failures[0];
  }
}
