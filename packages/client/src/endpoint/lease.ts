import type { EndpointKind } from '../policy/topology.ts';
import type { Connection } from './connection.ts';

/** One connection, lent to one caller. */
export interface Lease {
  readonly connection: Connection;
  /**
   * Gives the connection back. It is judged by its own state, not by whether a statement failed: one that is lost,
   * retired, in a transaction or still owes an answer is closed, every other goes to the next caller. Once only.
   */
  release(): void;
  /**
   * Calls back when its server was replaced while it is held: it closes as soon as nothing is unanswered. For whoever can't
   * wait for that.
   */
  onRetired(listener: (reason: Error) => void): void;
}

/** A lease that knows where it is from. */
export interface EndpointLease extends Lease {
  readonly endpoint: EndpointKind;
  /** The server turned out to be the wrong one: no connection to it is lent any more. */
  condemn(reason: Error): void;
}

/** A lease of a session: it was asked what it is just before it was lent. */
export interface SessionLease extends EndpointLease {
  /** See {@link keepBeating}. */
  keepBeating(intervalMs: number, maySend: () => boolean): () => void;
}
