import { ENGINES, FAULT_NAMES } from '@schooldb/local-cluster';
import type { FaultName } from '@schooldb/local-cluster';

export { ENGINES };
export type EngineName = (typeof ENGINES)[number];

/** They act on what only Patroni has: its agents and its etcd. */
const PATRONI_ONLY: readonly FaultName[] = ['kill-agent', 'freeze-agent', 'lose-etcd', 'cut-etcd', 'pause'];

/**
 * Longer than Patroni takes to notice that a primary is lost and to promote another: a lease of 20 s, the round after
 * it, and a recovery.
 */
const PATRONI_FAILOVER_MS = 45_000;

/** The faults that an engine knows. `stale-pooler` needs a pooler, which the load's cluster does not have. */
export function faultsOfEngine(engine: EngineName): readonly FaultName[] {
  return FAULT_NAMES.filter(
    (name) => name !== 'stale-pooler' && (engine === 'patroni' || !PATRONI_ONLY.includes(name)),
  );
}

/** How long to reckon with from the loss of the primary to the promotion; the supervisor's delay is a setting of its own. */
export function promotionMsOf(engine: EngineName, promoteAfterMs: number): number {
  return engine === 'patroni' ? PATRONI_FAILOVER_MS : promoteAfterMs;
}
