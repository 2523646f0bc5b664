/**
 * The drop-in's `Pool`: pg-pool's own, which goes on to say who gets which connection, when they are closed and what is
 * emitted. Its clients look for the primary (see {@link Client}); what is different on top of that:
 *
 *   - a connection that comes back is judged by its own state, and lent again once it is ready;
 *   - `pool.query()` is repeated where that is safe;
 *   - an 'error' that nobody listens to ends no process.
 */
import pg from 'pg';
import type { PoolClient, PoolConfig, PoolOptions } from 'pg';
import { systemClock } from '../../runtime/clock.ts';
import { Client, configOf, shareUnderneath } from './client.ts';
import { Master, PATIENCE_MS } from './master.ts';
import type { Signature } from './master.ts';
import { PoolQuery } from './pool-query.ts';
import type { QueryCallback } from './pool-query.ts';
import { whenReady } from './return.ts';

/** A caller in pg-pool's line. */
interface PendingItem {
  timedOut?: boolean;
  callback(error: Error | undefined, client?: PoolClient, release?: () => void): void;
  /** Ours: when it began to wait. */
  askedAt?: number;
}

type Release = (error?: Error | boolean) => void;
type Checkout = (error: Error | undefined, client: PoolClient | undefined, release: Release) => void;

/** Parts of `pg-pool` that its types leave out. */
interface PoolInternals {
  Client: new (options: PoolOptions) => pg.Client;
  readonly Promise: PromiseConstructor;
  readonly _clients: readonly pg.Client[];
  readonly _pendingQueue: PendingItem[];
  readonly _expired: WeakSet<object>;
  newClient(pendingItem: PendingItem): void;
  _release(client: PoolClient, idleListener: () => void, error?: Error | boolean): void;
}

const PgPool = pg.Pool as unknown as new (options?: PoolConfig) => pg.Pool & PoolInternals;

export class Pool extends PgPool {
  #master: Master | undefined;
  /** Of the client that pg-pool is about to make. */
  #patienceMs = PATIENCE_MS;
  /** Since when whoever asks for a client waits for an answer; undefined: since now. */
  #askedAt: number | undefined;

  constructor(options?: PoolConfig) {
    super(options);
    if (!this.options.Client) this.Client = Client;
    const master = (signature: Signature) => this.#masterFor(signature);
    const patience = () => this.#patienceMs;
    shareUnderneath(this.options, {
      master,
      get patienceMs() {
        return patience();
      },
    });
  }

  /** As pg-pool's, except that an 'error' that nobody listens to ends no process. */
  override emit(event: string | symbol, ...args: unknown[]): boolean {
    if (event === 'error' && this.listenerCount('error') === 0) return false;
    return super.emit(event, ...args);
  }

  override connect(): Promise<PoolClient>;
  override connect(done: Checkout): void;
  override connect(done?: Checkout): Promise<PoolClient> | void {
    const waiting = this._pendingQueue.length;
    const connected = done === undefined ? super.connect() : super.connect(done);
    if (this._pendingQueue.length > waiting) {
      const item = this._pendingQueue.at(-1);
      if (item !== undefined) item.askedAt = this.#askedAt ?? systemClock.now();
    }
    return connected;
  }

  /** Those that have waited in line meanwhile wait no longer than the first for a primary that is not there. */
  override newClient(pendingItem: PendingItem): void {
    const { askedAt = this.#askedAt } = pendingItem;
    const patienceMs = this.patienceMs;
    const isDown = this.#master?.isDown === true;
    this.#patienceMs =
      isDown && askedAt !== undefined ? Math.max(1, askedAt + patienceMs - systemClock.now()) : patienceMs;
    super.newClient(pendingItem);
  }

  /** How long a caller waits for a primary, in milliseconds. */
  get patienceMs(): number {
    return (this.options as PoolConfig).connectionTimeoutMillis || PATIENCE_MS;
  }

  /** What is underneath; undefined before the first connection was asked for, and for clients of a foreign class. */
  get master(): Master | undefined {
    return this.#master;
  }

  /** {@link connect} for a call that began to wait before. */
  connectSince(askedAt: number, done: Checkout): void {
    this.#askedAt = askedAt;
    try {
      this.connect(done);
    } finally {
      this.#askedAt = undefined;
    }
  }

  override query(text: unknown, values?: unknown, done?: unknown): never {
    const isSubmittable = typeof (text as { submit?: unknown } | undefined)?.submit === 'function';
    // What is submitted has a state of its own, and can't be sent again.
    if (isSubmittable || typeof text === 'function') {
      return (super.query as (...args: unknown[]) => never).call(this, text, values, done);
    }
    const callback = (typeof values === 'function' ? values : done) as QueryCallback | undefined;
    const query = new PoolQuery(this, text as string, typeof values === 'function' ? undefined : values);
    return query.run(callback) as never;
  }

  override end(): Promise<void>;
  override end(done: () => void): void;
  override end(done?: (error?: unknown) => void): Promise<void> | void {
    const ended = this.#end();
    if (done === undefined) return ended;
    ended.then(() => done(), done);
  }

  /** Called with whatever the caller gave to `release()`. */
  override _release(client: PoolClient, idleListener: () => void, error?: Error | boolean): void {
    const release = () => super._release(client, idleListener, error);
    if (error || this.ending || !(client instanceof Client)) return release();
    whenReady(client, (isFit) => {
      // pg-pool closes what is expired, and tells the same of it as of any other.
      if (!isFit) this._expired.add(client);
      release();
    });
  }

  async #end(): Promise<void> {
    const ended = super.end();
    // pg-pool never answers those who wait in line.
    for (const item of this._pendingQueue.splice(0)) {
      if (item.timedOut !== true) item.callback(new Error('Cannot use a pool after calling end on the pool'));
    }
    // Without a server they would be waited for as well.
    if (this.#master?.isDown === true) {
      for (const client of this._clients) if (client instanceof Client) client.giveUp();
    }
    await ended;
    await this.#master?.close();
  }

  #masterFor(signature: Signature): Master {
    this.#master ??= new Master(signature, this.options.max, () => configOf(this.options));
    return this.#master;
  }
}
