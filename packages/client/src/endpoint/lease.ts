import type { Connection } from './connection.ts';

/** One connection, lent to one caller. */
export interface Lease {
  readonly connection: Connection;
  /** Whether the connection belongs to a generation that is over: nothing more may be sent on it. */
  readonly retired: boolean;
  /**
   * Gives the connection back. It is judged by its own state, not by whether a statement failed: one that is lost,
   * retired, in a transaction or still owes an answer is closed, every other goes to the next caller. Once only.
   */
  release(): void;
}

/** Must be called before anything is sent later than at once: the server may have been replaced meanwhile. */
export function leaveIfRetired({ retired, connection }: Lease): void {
  if (retired) connection.wire.destroy(new Error('another primary has taken over'));
}
