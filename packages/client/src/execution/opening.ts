import type { UnsuitableServerError } from '../errors/connection-errors.ts';
import type { EndpointLease } from '../endpoint/lease.ts';
import type { ClusterView } from '../policy/topology.ts';
import { roleWanted } from '../policy/topology.ts';
import type { TransactionMode } from '../wire/sql.ts';
import { beginText, guardText } from '../wire/sql.ts';
import type { Statement } from '../wire/wire.ts';
import { WireLostError } from '../wire/wire.ts';
import type { AttemptEnd } from './attempt.ts';
import { wrongServer } from './attempt.ts';

/**
 * The statements that begin a transaction. Behind the primary's pooler each transaction may run on another server
 * than the one before, so it begins with the question whether this is the right one, at no round trip.
 */
export function opening(
  lease: EndpointLease,
  cluster: ClusterView,
  mode: TransactionMode = {},
): readonly Statement[] {
  const begin = { text: beginText(mode) };
  if (!isGuarded(lease)) return [begin];
  const { systemId, timeline } = lease.connection.identity;
  return [begin, { text: guardText(systemId, Math.max(cluster.timeline ?? 0, timeline ?? 0)) }];
}

function isGuarded({ connection, endpoint }: EndpointLease): boolean {
  return connection.pooled && roleWanted(endpoint) === 'primary';
}

/**
 * Whether the server has refused because it is the wrong one. Its pooler is then not used until it was found to lead
 * to the right one again.
 */
export function refusedByGuard(
  answers: readonly PromiseSettledResult<unknown>[],
  lease: EndpointLease,
): AttemptEnd<never> | undefined {
  const guard = answers[1];
  if (!isGuarded(lease) || guard?.status !== 'rejected' || guard.reason instanceof WireLostError)
    return undefined;
  const cause: UnsuitableServerError = wrongServer(lease);
  lease.condemn(cause);
  return { state: 'again', cause };
}
