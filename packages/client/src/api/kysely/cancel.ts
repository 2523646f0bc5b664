import type { Connection } from '../../endpoint/connection.ts';
import { CANCEL_BACKEND } from '../../wire/sql.ts';
import type { KyselyAccess } from './access.ts';

/** Later it is of no use to whoever has given up. */
const CANCEL_WITHIN_MS = 10_000;

/**
 * Has the server cancel what a connection in a transaction is at: it only rolls back, then. The request goes over
 * another connection, and means nothing on another server than the one that it speaks of.
 */
export async function cancelOnServer(
  { identity, wire, backendStart }: Connection,
  isStillRunning: () => boolean,
  { run, toPrimary }: KyselyAccess,
): Promise<void> {
  await run<void>(
    'kysely cancel',
    { deadlineMs: CANCEL_WITHIN_MS },
    {
      route: toPrimary,
      direct: true,
      attempt: async ({ connection }) => {
        const values = [wire.processId, backendStart];
        if (connection.identity.server === identity.server && isStillRunning())
          await connection.wire.query({ text: CANCEL_BACKEND, values });
        return { state: 'done', value: undefined };
      },
    },
  );
}
