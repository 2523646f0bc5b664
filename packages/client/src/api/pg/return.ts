/** How a connection of the drop-in is judged when it comes back: by its own state, not by whether a query failed. */
import pg from 'pg';
import { isAnswered } from '../../wire/pg-hand-over.ts';
import type { Client } from './client.ts';

/** A cursor or a COPY that was left open may never come to its end: it has this long, in milliseconds. */
const LEFT_OPEN_MS = 1_000;

/**
 * Calls `done` when the connection owes nothing any more: at once, or when what its last user has not waited for is
 * answered. An SQL error is told before the server is ready, so this is the usual case after one.
 *
 * @param done - is told whether somebody else can have it: it is alive, and in no transaction.
 */
export function whenReady(client: Client, done: (isFit: boolean) => void): void {
  if (isAnswered(client) || !isQueryable(client)) return done(isFit(client));
  let leftOpen: NodeJS.Timeout | undefined;
  const settle = () => {
    client.removeListener('drain', settle);
    client.removeListener('end', settle);
    clearTimeout(leftOpen);
    done(isFit(client));
  };
  client.on('drain', settle);
  client.on('end', settle);
  const active = internalsOf(client)._activeQuery;
  if (active != null && !(active instanceof pg.Query)) leftOpen = setTimeout(settle, LEFT_OPEN_MS);
}

/** Parts of `pg` that its types leave out. */
interface ClientInternals {
  readonly _activeQuery: unknown;
  readonly _queryable: boolean;
  readonly _ending: boolean;
}

/** Whether a statement that is handed to it would be sent. */
export function isQueryable(client: pg.Client): boolean {
  const { _queryable, _ending } = internalsOf(client);
  return _queryable && !_ending;
}

function isFit(client: Client): boolean {
  return isAnswered(client) && client.getTransactionStatus() === 'I';
}

function internalsOf(client: pg.Client): ClientInternals {
  return client as unknown as ClientInternals;
}
