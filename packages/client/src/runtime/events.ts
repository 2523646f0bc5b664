export type Listener<Payload> = (payload: Payload) => void;

/**
 * A typed emitter whose listeners can't harm it or each other: an exception in a listener is handed to the process
 * as a warning, never to the code that emitted.
 */
export class Events<EventMap extends object> {
  readonly #listeners = new Map<keyof EventMap, Set<Listener<never>>>();
  readonly #witness: (name: keyof EventMap, payload: unknown) => void;

  /** @param witness - sees every event, before its listeners. */
  constructor(witness: (name: keyof EventMap, payload: unknown) => void = () => {}) {
    this.#witness = witness;
  }

  /** @returns a function that takes the listener away again. */
  on<Name extends keyof EventMap>(name: Name, listener: Listener<EventMap[Name]>): () => void {
    let listeners = this.#listeners.get(name);
    if (listeners === undefined) this.#listeners.set(name, (listeners = new Set()));
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  emit<Name extends keyof EventMap>(name: Name, payload: EventMap[Name]): void {
    this.#witness(name, payload);
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        (listener as Listener<EventMap[Name]>)(payload);
      } catch (error) {
        process.emitWarning(
          `a SchoolDB listener for '${String(name)}' threw: ${String(error)}`,
          'SchoolDbWarning',
        );
      }
    }
  }
}
