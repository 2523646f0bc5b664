import type { Connection } from '../endpoint/connection.ts';

/**
 * Ends what an earlier attempt of ours left behind: its connection is gone for us, but where the network swallowed
 * it the server does not know, and its backend sits in the open transaction with all its locks. The attempt that
 * follows would wait for them.
 *
 * Only on the same server, the same backend (the process number may have been given to another) and while it is
 * idle: one that works may be committing.
 */
export async function endGhost(ghost: Connection, successor: Connection): Promise<void> {
  if (ghost.identity.server !== successor.identity.server) return;
  const text = `
    SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity
    WHERE pid = $1 AND backend_start::text = $2 AND state LIKE 'idle in transaction%'`;
  // Where this fails the attempt itself finds out what is wrong.
  await successor.wire.query({ text, values: [ghost.wire.processId, ghost.backendStart] }).catch(() => {});
}
