import type { Clock } from '../runtime/clock.ts';
import { ASK_STANDBY } from '../wire/sql.ts';
import type { Wire } from '../wire/wire.ts';

/** Longer than a busy server takes. */
const LIMIT_MS = 900;

/**
 * Asks a server that is known by a connection what it is now. Its own word (`in_hot_standby`) is not enough: that of
 * an idle connection is old, and a pooler's is a guess.
 *
 * @returns `silent` where there was no answer; the connection is then closed.
 */
export async function askRole(wire: Wire, clock: Clock): Promise<'primary' | 'standby' | 'silent'> {
  const limit = clock.schedule(LIMIT_MS, () => wire.destroy(new Error('the server did not say what it is')));
  try {
    const { rows } = await wire.query({ text: ASK_STANDBY });
    return (rows[0] as { standby: boolean }).standby ? 'standby' : 'primary';
  } catch {
    return 'silent';
  } finally {
    limit.cancel();
  }
}
