import type { Api } from '../api/api.ts';
import { ApiError } from '../objects/api-error.ts';
import { Cluster } from './cluster.ts';
import type { Controller } from './controller.ts';

/** How long a controller waits after the server refused what it did. */
const RETRY_MS = 50;
/** How often it looks although nothing changed, because something outside of the cluster may have. */
const RESYNC_MS = 2_000;
/** More looks in a row than this mean that controllers undo each other's work. */
const MOST_LOOKS = 5_000;

/** Lets controllers look after every change, one at a time and never in the middle of a request. */
export class ControllerLoop {
  readonly #api: Api;
  readonly #controllers = new Map<string, Controller>();
  readonly #off = new Set<string>();
  readonly #since = new Map<string, number>();
  readonly #cancel = new Set<() => void>();
  readonly #wakes = new Set<number>();
  #isDue = false;
  #isClosed = false;
  #looks = 0;
  #failure: unknown;

  constructor(api: Api, controllers: readonly Controller[]) {
    this.#api = api;
    for (const controller of controllers) this.#controllers.set(controller.name, controller);
    this.#cancel.add(api.store.onChange(() => this.#makeDue()));
    this.#makeDue();
    this.#resync();
  }

  names(): string[] {
    return [...this.#controllers.keys()];
  }

  /** Stops a controller, as if its program were down. */
  stop(name: string): void {
    this.#assertKnown(name);
    this.#off.add(name);
  }

  start(name: string): void {
    this.#assertKnown(name);
    this.#off.delete(name);
    this.#makeDue();
  }

  /** @throws what a controller failed with, other than a refusal of the server: a defect of this package. */
  close(): void {
    this.#isClosed = true;
    for (const each of this.#cancel) each();
    this.#cancel.clear();
    if (this.#failure !== undefined) throw this.#failure;
  }

  #assertKnown(name: string): void {
    if (this.#controllers.has(name)) return;
    throw new Error(`there is no controller '${name}': it must be one of ${this.names().join(', ')}`);
  }

  #makeDue(): void {
    if (this.#isDue || this.#isClosed) return;
    this.#isDue = true;
    this.#after(0);
  }

  /** Many controllers wait for the same moment, and say so at each look: once is enough. */
  #wakeAfter(delayMs: number): void {
    const at = this.#api.clock.now() + delayMs;
    if (this.#wakes.has(at)) return;
    this.#wakes.add(at);
    this.#after(delayMs, () => {
      this.#wakes.delete(at);
      this.#look();
    });
  }

  #resync(): void {
    this.#after(RESYNC_MS, () => {
      this.#look();
      this.#resync();
    });
  }

  #after(delayMs: number, callback = () => this.#look()): void {
    if (this.#isClosed) return;
    const cancel = this.#api.clock.after(delayMs, () => {
      this.#cancel.delete(cancel);
      callback();
    });
    this.#cancel.add(cancel);
  }

  #look(): void {
    if (this.#isClosed) return;
    const { revision } = this.#api.store;
    this.#isDue = false;
    for (const [name, controller] of this.#controllers) {
      if (!this.#off.has(name)) this.#reconcile(controller);
    }
    this.#looks = this.#api.store.revision === revision ? 0 : this.#looks + 1;
    if (this.#looks > MOST_LOOKS)
      throw new Error(`controllers do not come to rest after ${MOST_LOOKS} looks`);
  }

  #reconcile(controller: Controller): void {
    const cluster = new Cluster(this.#api, controller.name, this.#since, (delayMs) =>
      this.#wakeAfter(delayMs),
    );
    try {
      controller.reconcile(cluster);
    } catch (error) {
      if (error instanceof ApiError) this.#after(RETRY_MS);
      else this.#failure ??= error;
    }
  }
}
