/**
 * Lets one client of `pg` go on with the connection of another. A client of pg makes one attempt to connect, for itself;
 * of ours several are under way at a time, each with a client of its own, and the connection of the one that won belongs
 * to whoever has called `connect()`.
 *
 * What is done here: the first client's listeners are taken from the connection, and the second one connects as it would
 * by itself, except that the socket is open and the sign-in is over. pg is pinned, and `test/integration/pg-contract`
 * holds what is relied on.
 */
import type { EventEmitter } from 'node:events';
import { Client } from 'pg';

export type ConnectCallback = (error: Error | null, client?: Client) => void;

/** Parts of `pg` that its types leave out. */
interface ClientInternals {
  connection: ConnectionInternals;
  readonly processID: number | null;
  readonly secretKey: number | null;
  readonly readyForQuery?: boolean;
  readonly _queryQueue: readonly unknown[];
  readonly _sentQueryQueue: readonly unknown[];
  _connect(done: ConnectCallback): void;
}

interface ConnectionInternals extends EventEmitter {
  connect: () => void;
}

/** @param to - never connected so far. Its own overrides do not take part. */
export function takeOver(from: Client, to: Client, done: ConnectCallback): void {
  const { connection, processID, secretKey } = internalsOf(from);
  // With these the connection itself learns who listens to its messages.
  const itsOwn = connection.rawListeners('newListener') as (() => void)[];
  connection.removeAllListeners();
  for (const listener of itsOwn) connection.on('newListener', listener);
  const client = internalsOf(to);
  client.connection = connection;
  connection.connect = () => {};
  internalsOf(Client.prototype)._connect.call(to, done);
  connection.emit('backendKeyData', { processID, secretKey });
  connection.emit('readyForQuery', { status: 'I' });
}

/** Whether the server owes the client nothing, and nothing waits to be sent. */
export function isAnswered(client: Client): boolean {
  const { readyForQuery, _queryQueue, _sentQueryQueue } = internalsOf(client);
  return readyForQuery === true && _queryQueue.length === 0 && _sentQueryQueue.length === 0;
}

function internalsOf(client: Client): ClientInternals {
  return client as unknown as ClientInternals;
}
