import type { Clock } from '../runtime/clock.ts';
import { ASK_STANDBY } from '../wire/sql.ts';
import type { Wire } from '../wire/wire.ts';

/** Longer than a busy server takes. */
const LIMIT_MS = 900;

/**
 * Asks a server that is known by a connection what it is now. Its own word (`in_hot_standby`) is not enough: that of
 * an idle connection is old, and a pooler's is a guess.
 *
 * @param mayClose - whether the connection may be closed when there is no answer: not where somebody else uses it.
 * @returns `silent` where there was no answer.
 */
export async function askRole(
  wire: Wire,
  clock: Clock,
  mayClose: () => boolean = () => true,
): Promise<'primary' | 'standby' | 'silent'> {
  let giveUp: () => void = () => {};
  const silence = new Promise<undefined>((resolve) => (giveUp = () => resolve(undefined)));
  const limit = clock.schedule(LIMIT_MS, () => {
    giveUp();
    if (mayClose()) wire.destroy(new Error('the server did not say what it is'));
  });
  try {
    const answer = await Promise.race([wire.query({ text: ASK_STANDBY }), silence]);
    if (answer === undefined) return 'silent';
    const { rows } = answer;
    return (rows[0] as { standby: boolean }).standby ? 'standby' : 'primary';
  } catch {
    return 'silent';
  } finally {
    limit.cancel();
  }
}
