/**
 * Where a session is lent: never behind a pooler, which gives its server away after each transaction. One on a replica
 * is lent by the master where there is no replica, or none can be reached.
 */
import { EndpointDownError } from '../errors/connection-errors.ts';
import type { Endpoints } from '../endpoint/endpoints.ts';
import type { SessionLease } from '../endpoint/lease.ts';
import type { SessionPurpose } from '../endpoint/session-lane.ts';
import type { Deadline } from '../runtime/deadline.ts';

export type SessionRoute = (deadline: Deadline) => Promise<SessionLease>;

export function sessionRoute(
  { master, replica }: Pick<Endpoints, 'master' | 'replica'>,
  kind: 'master' | 'replica',
  purpose: SessionPurpose,
): SessionRoute {
  return async (deadline) => {
    if (kind === 'replica' && replica?.usable === true) {
      try {
        return await replica.acquireSession(deadline, { purpose, impatient: true });
      } catch (error) {
        if (!(error instanceof EndpointDownError)) throw error;
      }
    }
    return master.acquireSession(deadline, { purpose });
  };
}
