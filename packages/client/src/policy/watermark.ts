/**
 * What the reads of one process or session must not miss: a position that only rises.
 *
 *   empty     nothing was written or read yet: any server will do
 *   at        up to this position
 *   unknown   something was written or read of which the position could not be learned: only the primary holds it for
 *             sure. Ends when a position of the primary is learned that was asked for later
 *
 * A position that can't be true is given up once the primary has told its own: a token that was forged, or one of
 * what a crash has taken back.
 */
import type { Position } from './position.ts';
import { later } from './position.ts';

/** What was known when the primary was asked for its position. */
export interface Asked {
  readonly position: Position | undefined;
  readonly losses: number;
}

export class Watermark {
  #position: Position | undefined;
  #unknown: boolean;
  #losses = 0;

  constructor(position?: Position, unknown = false) {
    this.#position = position;
    this.#unknown = unknown;
  }

  get position(): Position | undefined {
    return this.#position;
  }

  get unknown(): boolean {
    return this.#unknown;
  }

  /** To be called before the primary is asked for its position, and its result given back with the answer. */
  asking(): Asked {
    return { position: this.#position, losses: this.#losses };
  }

  /**
   * Where the primary stood, asked after {@link asking}.
   *
   * @param isEnd - whether that is the end of all WAL there is, so that nothing can lie beyond it.
   */
  primaryAt(position: Position, asked: Asked, isEnd: boolean): void {
    if (asked.losses === this.#losses) this.#unknown = false;
    const given = asked.position;
    const impossible = isEnd && given !== undefined && later(given, position) !== position;
    this.#position = impossible && this.#position === given ? position : later(this.#position, position);
  }

  /** What a replica has shown. */
  replicaAt(position: Position): void {
    this.#position = later(this.#position, position);
  }

  /** Something was written or read, and nobody knows where. */
  lose(): void {
    this.#unknown = true;
    this.#losses += 1;
  }
}
