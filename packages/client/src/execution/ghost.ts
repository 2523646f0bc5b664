import type { Connection } from '../endpoint/connection.ts';
import { END_GHOST } from '../wire/sql.ts';

/**
 * Ends what an earlier attempt of ours left behind: its connection is gone for us, but where the network swallowed
 * it the server does not know, and its backend sits in the open transaction with all its locks. The attempt that
 * follows would wait for them.
 *
 * Only on the same server, the same backend (the process number may have been given to another) and while it is
 * idle: one that works may be committing.
 */
export async function endGhost(ghost: Connection, successor: Connection): Promise<void> {
  // A pooler hands out process numbers of its own.
  if (ghost.pooled || ghost.identity.server !== successor.identity.server) return;
  // Where this fails the attempt itself finds out what is wrong.
  await successor.wire
    .query({ text: END_GHOST, values: [ghost.wire.processId, ghost.backendStart] })
    .catch(() => {});
}
