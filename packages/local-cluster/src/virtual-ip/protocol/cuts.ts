/** What can be done to a connection whose messages are read. */
export type CutFault = {
  /** `silence`: it stays open and nothing gets through any more. */
  cut: 'reset' | 'silence';
} & (
  | { name: 'cut-after-commit' }
  | {
      name: 'cut-at-message';
      direction: 'upstream' | 'downstream';
      /** Counted on each connection, from 1. */
      message: number;
      /** Whether that message still arrives. */
      delivered: boolean;
    }
);

/** A fault that is in force until it has cut as often as it was to. */
interface CutInForce {
  readonly id: string;
  readonly fault: CutFault;
  left: number;
  readonly onOver: () => void;
}

/** The cuts that are in force at one address. */
export class Cuts {
  readonly #inForce = new Map<string, CutInForce>();

  /** `onOver` is called when the last of `times` cuts is made. */
  add(id: string, fault: CutFault, times: number, onOver: () => void): void {
    this.#inForce.set(id, { id, fault, left: times, onOver });
  }

  remove(id: string): void {
    this.#inForce.delete(id);
  }

  has(id: string): boolean {
    return this.#inForce.has(id);
  }

  get none(): boolean {
    return this.#inForce.size === 0;
  }

  list(): Iterable<Readonly<CutInForce>> {
    return this.#inForce.values();
  }

  /** One cut is made. */
  strike(id: string): void {
    const cut = this.#inForce.get(id);
    if (cut === undefined) return;
    cut.left -= 1;
    if (cut.left > 0) return;
    this.#inForce.delete(id);
    cut.onOver();
  }
}
