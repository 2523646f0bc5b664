/** How a connection of the drop-in is judged when it comes back: by its own state, not by whether a query failed. */
import pg from 'pg';
import { isAnswered } from '../../wire/pg-hand-over.ts';
import type { Client } from './client.ts';

/** A cursor or a COPY that was left open may never come to its end: it has this long, in milliseconds. */
const LEFT_OPEN_MS = 1_000;

/** Whether somebody else can have it now: it is alive, owes nothing, and is in no transaction. */
export function isFit(client: Client): boolean {
  const { _queryable, _ending, _txStatus } = internalsOf(client);
  return _queryable && !_ending && _txStatus === 'I' && isAnswered(client);
}

/**
 * Calls `done` when a connection that is not fit owes nothing any more: at once, or when what its last user has not
 * waited for is answered. An SQL error is told before the server is ready, so this is the usual case after one.
 */
export function whenReady(client: Client, done: () => void): void {
  if (isAnswered(client) || !isQueryable(client)) return done();
  let leftOpen: NodeJS.Timeout | undefined;
  const settle = () => {
    client.removeListener('drain', settle);
    client.removeListener('end', settle);
    clearTimeout(leftOpen);
    done();
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
  readonly _txStatus: 'I' | 'T' | 'E' | null;
}

/** Whether a statement that is handed to it would be sent. */
export function isQueryable(client: pg.Client): boolean {
  const { _queryable, _ending } = internalsOf(client);
  return _queryable && !_ending;
}

function internalsOf(client: pg.Client): ClientInternals {
  return client as unknown as ClientInternals;
}
