import type { ClusterStatus } from '@schooldb/local-cluster';
import type { Bed } from './bed.ts';
import { epochMs } from '../measure/clock.ts';
import { pause, within } from '../measure/pause.ts';

/** A standby that was cloned again on a busy machine is back long before. */
const LIMIT_MS = 120_000;
const TRY_AGAIN_MS = 200;

/**
 * Undoes what is still broken and waits until every server is back: the next run starts where the last one did.
 *
 * @throws Error saying what was missing after two minutes.
 */
export async function awaitWhole({ cluster, synchronous }: Bed, signal: AbortSignal): Promise<void> {
  if (cluster === null) return;
  // A frozen primary stays frozen until somebody thaws it, also after another has taken over.
  await within(LIMIT_MS, 'undoing the faults', cluster.undoAllFaults());
  const until = epochMs() + LIMIT_MS;
  for (;;) {
    const missing = missingIn(await within(LIMIT_MS, 'asking the cluster', cluster.status()), synchronous);
    if (missing === null || signal.aborted) return;
    if (epochMs() > until) throw new Error(`the cluster is not whole again after ${LIMIT_MS} ms: ${missing}`);
    await pause(TRY_AGAIN_MS, signal);
  }
}

/** What keeps the cluster from being whole, or null. Exported for its test. */
export function missingIn(
  { primary, servers, faults }: Pick<ClusterStatus, 'primary' | 'servers' | 'faults'>,
  synchronous: boolean,
): string | null {
  if (primary === null) return 'no server is primary';
  const away = servers.find(({ state }) => state !== 'running');
  if (away !== undefined) return `${away.name} is ${away.state}`;
  const standbys = servers.filter(({ name }) => name !== primary);
  const apart = standbys.find(({ role }) => role !== 'standby');
  if (apart !== undefined) return `${apart.name} is no standby`;
  if (synchronous && !standbys.some(({ synchronous }) => synchronous)) return 'no standby is synchronous';
  return faults.length > 0 ? `${faults[0]!.name} is still in force` : null;
}
