import { EventEmitter } from 'node:events';
import type { Connection } from './connection.ts';

/** What `pg-pool` asks of the clients it keeps, on top of one of our connections. */
export class PooledConnection extends EventEmitter {
  readonly #open: (self: PooledConnection) => Promise<Connection>;
  #connection: Connection | undefined;
  /** pg-pool closes instead of keeping where this is false; the name is pg's. */
  _queryable = true;
  /** Set when this connection must not be lent again, though it works: wrong generation, or too old. */
  retired = false;
  /** The moment from which on it is closed instead of lent, on the lane's clock. */
  lendUntil = Infinity;

  constructor(open: (self: PooledConnection) => Promise<Connection>) {
    super();
    this.#open = open;
  }

  get connection(): Connection {
    if (this.#connection === undefined) throw new Error('a connection was used before it was open');
    return this.#connection;
  }

  get idle(): boolean {
    // pg-pool listens to an idle client's errors, and to no other's.
    return this.listenerCount('error') > 0;
  }

  connect(done: (error?: unknown) => void): void {
    const opened = this.#open(this).then((connection) => {
      this.#connection = connection;
      connection.wire.onGone(() => this.#gone());
    });
    opened.then(() => done(), done);
  }

  end(done: () => void): void {
    this._queryable = false;
    const closed = this.#connection?.wire.end() ?? Promise.resolve();
    closed.then(done, done);
  }

  ref(): void {
    this.#connection?.wire.keepProcessAlive(true);
  }

  unref(): void {
    this.#connection?.wire.keepProcessAlive(false);
  }

  #gone(): void {
    this._queryable = false;
    this.emit('end');
    // An idle one is dropped by pg-pool then; whoever it is lent to finds out by itself.
    if (this.idle) this.emit('error', new Error('the connection is gone'));
  }
}
