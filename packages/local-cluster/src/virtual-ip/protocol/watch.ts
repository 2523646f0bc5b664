import type { CutFault, Cuts } from './cuts.ts';
import type { Piece } from './message-splitter.ts';

const COMMAND_COMPLETE = 'C'.charCodeAt(0);
const READY_FOR_QUERY = 'Z'.charCodeAt(0);
/** The whole message; `COMMIT PREPARED` is another tag, and so is the `ROLLBACK` of a transaction that failed. */
const COMMITTED = Buffer.from('C\0\0\0\x0bCOMMIT\0', 'latin1');

/**
 * Follows the messages of one connection and says at which of them it is cut.
 *
 * `cut-after-commit` goes by the server's answer alone: whether COMMIT came as text, at the end of a text
 * of several statements, as a prepared statement or pipelined, the tag that comes back is the same, and
 * it comes when the commit is done. `cut-at-message` counts messages while the fault is in force, and
 * none before the first ReadyForQuery has passed: logging in is not what is tested.
 */
export class Watch {
  readonly #cuts: Cuts;
  readonly #counts = new Map<string, number>();
  #ready = false;

  constructor(cuts: Cuts) {
    this.#cuts = cuts;
  }

  /** Asked for each piece that begins a message; the cut counts as made. */
  strikes(direction: 'upstream' | 'downstream', piece: Piece): CutFault | undefined {
    const struck = this.#find(direction, piece);
    if (direction === 'downstream' && piece.type === READY_FOR_QUERY) this.#ready = true;
    return struck;
  }

  #find(direction: 'upstream' | 'downstream', piece: Piece): CutFault | undefined {
    if (!this.#ready) return undefined;
    for (const { id, fault } of this.#cuts.list()) {
      const hit =
        fault.name === 'cut-after-commit'
          ? direction === 'downstream' && isCommitted(piece)
          : fault.direction === direction && this.#count(id) === fault.message;
      if (!hit) continue;
      this.#cuts.strike(id);
      return fault;
    }
    return undefined;
  }

  #count(id: string): number {
    const count = (this.#counts.get(id) ?? 0) + 1;
    this.#counts.set(id, count);
    return count;
  }
}

function isCommitted({ type, bytes }: Piece): boolean {
  return type === COMMAND_COMPLETE && bytes.equals(COMMITTED);
}
