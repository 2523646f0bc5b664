import { ENGINES, FAULT_NAMES } from '@schooldb/local-cluster';
import type { FaultName } from '@schooldb/local-cluster';
import { UsageError } from './usage-error.ts';

export { ENGINES };
export type EngineName = (typeof ENGINES)[number];

/** They act on what only Patroni has: its agents and its etcd. */
const PATRONI_ONLY: readonly FaultName[] = ['kill-agent', 'freeze-agent', 'lose-etcd', 'cut-etcd', 'pause'];

/** Patroni's own least: how long the lease of its primary lasts. */
const SHORTEST_LEASE_MS = 20_000;

/** The faults that an engine knows. `stale-pooler` needs a pooler, which the load's cluster does not have. */
export function faultsOfEngine(engine: EngineName): readonly FaultName[] {
  const missing = engine === 'patroni' ? [] : PATRONI_ONLY;
  return FAULT_NAMES.filter((name) => name !== 'stale-pooler' && !missing.includes(name));
}

/**
 * From the loss of the primary to the promotion, as given or by default: the supervisor's delay, or Patroni's lease.
 *
 * @throws UsageError where it is no lease that Patroni takes.
 */
export function promoteAfterOf(engine: EngineName, given: number | undefined, embeddedMs: number): number {
  if (engine === 'embedded') return given ?? embeddedMs;
  const leaseMs = given ?? SHORTEST_LEASE_MS;
  if (leaseMs < SHORTEST_LEASE_MS || leaseMs % 1_000 !== 0)
    throw new UsageError(
      `--promote-after: ${leaseMs} ms was given; with patroni it is the lease, in whole seconds from 20s on`,
    );
  return leaseMs;
}
