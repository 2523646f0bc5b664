import type { ResponsiveClock } from '../runtime/responsive-clock.ts';
import { HEARTBEAT } from '../wire/sql.ts';
import type { Wire } from '../wire/wire.ts';

/**
 * Asks for a sign of life whenever a connection was quiet for a while. Nobody waits for an answer on a session that
 * only listens or holds a lock: a server that froze, or a network that forgot it, would never be noticed. The server
 * watch and {@link HungConnections} see to whoever owes an answer, so the question itself is all that is needed.
 *
 * @param maySend - asked before each: false while something else has the connection for itself.
 * @returns a function that ends it.
 */
export function keepBeating(
  wire: Wire,
  intervalMs: number,
  maySend: () => boolean,
  responsive: ResponsiveClock,
): () => void {
  let seenBytes = wire.bytesRead;
  let quietSince = responsive.now();
  return responsive.onTick(() => {
    const now = responsive.now();
    if (wire.unanswered > 0 || wire.bytesRead !== seenBytes) {
      seenBytes = wire.bytesRead;
      quietSince = now;
    } else if (now - quietSince >= intervalMs && wire.lostBecause === undefined && maySend()) {
      // In a failed transaction the answer is an error, and as good.
      wire.query({ text: HEARTBEAT }).catch(() => {});
    }
  });
}
