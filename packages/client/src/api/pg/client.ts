/**
 * The drop-in's `Client`: one of pg's own, whose `connect()` looks for the primary. What is sent on it afterwards is
 * pg's business alone.
 *
 *   new        nothing was asked for
 *   opening    looks for a primary; statements queue up, as in pg
 *   open       has a lease, and pg's connection with it
 *   closed     the connection, or the attempt to get one, is over
 */
import pg from 'pg';
import type { ClientConfig } from 'pg';
import ConnectionParameters from 'pg/lib/connection-parameters.js';
import type { EndpointLease } from '../../endpoint/lease.ts';
import type { ConnectCallback } from '../../wire/pg-hand-over.ts';
import { handOver } from '../../wire/pg-wire.ts';
import { PLAIN_TYPES } from '../../wire/plain-types.ts';
import { addressesOf, readable, takesAnyServer } from './hosts.ts';
import type { Signature } from './master.ts';
import { Master, PATIENCE_MS } from './master.ts';

/** Parts of `pg` that its types leave out. */
interface ClientInternals {
  readonly connectionParameters: ClientConfig & { readonly replication?: string };
  _connecting: boolean;
  _connectionError: boolean;
  _ended: boolean;
  _ending: boolean;
  _connectionTimeoutMillis: number;
  _connect(done: ConnectCallback): void;
  _errorAllQueries(error: Error): void;
  _handleErrorEvent(error: Error): void;
}

type Config = ClientConfig & { readonly connection?: unknown; readonly replication?: unknown };

/** `end()` waits this long for the server's side to close before it destroys the socket, in milliseconds. */
const GOODBYE_MS = 1_000;

const ignore = () => {};

const PgClient = pg.Client as unknown as new (
  config?: string | ClientConfig,
) => pg.Client & ClientInternals & { connection: { readonly stream: NodeJS.EventEmitter & Destroyable } };

interface Destroyable {
  destroy(): void;
}

/** How a pool lets its clients share what is underneath: by the options that pg-pool hands to each. */
export interface Underneath {
  master(signature: Signature): Master;
  /** How long the client that is being made may look for a primary, in milliseconds. */
  readonly patienceMs: number;
}
const underneaths = new WeakMap<object, Underneath>();

/** @param options - of a pool: clients that are made with these very options share what is underneath. */
export function shareUnderneath(options: object, underneath: Underneath): void {
  underneaths.set(options, underneath);
}

export class Client extends PgClient {
  readonly #config: string | ClientConfig | undefined;
  #opening: AbortController | undefined;
  #lease: EndpointLease | undefined;

  constructor(config?: string | ClientConfig) {
    super(readable(config));
    this.#config = config;
  }

  /** Undefined before it is connected, and where pg connects by itself. */
  get lease(): EndpointLease | undefined {
    return this.#lease;
  }

  /** As pg's, except that an 'error' that nobody listens to ends no process. */
  override _handleErrorEvent(error: Error): void {
    // Not a listener for good: `listenerCount('error')` is the app's, and so is `removeAllListeners()`.
    this.on('error', ignore);
    super._handleErrorEvent(error);
    this.removeListener('error', ignore);
  }

  /** `connect()` of pg, with or without a callback, leads here. */
  override _connect(done: ConnectCallback): void {
    // pg's own refuses to connect twice.
    if (this._connecting || this.#lease !== undefined) super._connect(done);
    else if (this.#connectsByItself) {
      // What goes wrong in a sign-in is emitted elsewhere.
      this.on('error', ignore);
      super._connect(done);
    } else this.#open(done);
  }

  /** Looks for a primary no longer, if it does. */
  giveUp(): void {
    this.#opening?.abort(new Error('Connection terminated'));
  }

  override end(): Promise<void>;
  override end(done: (error: Error) => void): void;
  override end(done?: (error: Error) => void): Promise<void> | void {
    this.giveUp();
    if (this.#lease !== undefined && !this._ended) {
      // A polite goodbye waits for a peer that may not answer any more.
      const { stream } = this.connection;
      const giveUp = setTimeout(() => stream.destroy(), GOODBYE_MS).unref();
      this.once('end', () => clearTimeout(giveUp));
    }
    return done === undefined ? super.end() : super.end(done);
  }

  #open(done: ConnectCallback): void {
    const underneath = typeof this.#config === 'object' ? underneaths.get(this.#config) : undefined;
    const own = underneath === undefined ? this.#ownMaster() : undefined;
    const master = underneath?.master(this.#signature) ?? own;
    if (master === undefined) throw new Error('a client without a master');
    const patienceMs = underneath?.patienceMs ?? (this._connectionTimeoutMillis || PATIENCE_MS);
    const opening = new AbortController();
    this.#opening = opening;
    this._connecting = true;
    // pg-pool destroys the socket of a client whose time to connect is up.
    const { stream } = this.connection;
    const giveUp = () => this.giveUp();
    stream.once('close', giveUp);
    void this.#lookForPrimary(master, patienceMs, opening.signal).then(
      (lease) => {
        stream.removeListener('close', giveUp);
        this.#opening = undefined;
        this._connecting = false;
        this.#lease = lease;
        const { wire, address } = lease.connection;
        wire.onGone(() => {
          lease.release();
          void own?.close();
        });
        this.host = address.host;
        this.port = address.port;
        handOver(wire, this, done);
      },
      (error: Error) => {
        stream.removeListener('close', giveUp);
        this.#opening = undefined;
        void own?.close();
        this.#failed(error, done);
      },
    );
  }

  async #lookForPrimary(master: Master, patienceMs: number, givenUp: AbortSignal): Promise<EndpointLease> {
    for (;;) {
      const lease = await master.open(patienceMs, givenUp);
      if (lease.connection.wire.lostBecause === undefined && !givenUp.aborted) return lease;
      lease.release();
      givenUp.throwIfAborted();
    }
  }

  /** What pg does when its connection ends before it was one. */
  #failed(error: Error, done: ConnectCallback): void {
    this._connecting = false;
    this._connectionError = true;
    this._ended = true;
    this._errorAllQueries(error);
    process.nextTick(() => this.emit('end'));
    done(error);
  }

  /**
   * A walsender takes no question who it is; whoever brings a socket or a connection of its own knows where it leads.
   */
  get #connectsByItself(): boolean {
    const { stream, connection } = (typeof this.#config === 'object' ? this.#config : {}) as Config;
    if (takesAnyServer(this.#config)) return true;
    return Boolean(stream ?? connection ?? this.connectionParameters.replication);
  }

  get #signature(): Signature {
    const { user = '', database = '', host = '', port = 0 } = this.connectionParameters;
    return { user, database, addresses: addressesOf(readable(this.#config), { host, port }) };
  }

  #ownMaster(): Master {
    return new Master(this.#signature, 1, () => configOf(this.#config));
  }
}

/** What pg is to connect with, as pg itself has read it: options, connection string, environment. */
export function configOf(config: string | ClientConfig | undefined): ClientConfig {
  const parameters = new ConnectionParameters(readable(config));
  return Object.assign({}, typeof config === 'object' ? config : {}, parameters, {
    // Hidden from enumeration.
    password: parameters.password,
    // Read already, and it would go before the host that is connected to.
    connectionString: undefined,
    // An attempt has limits of its own.
    connectionTimeoutMillis: 0,
    query_timeout: 0,
    types: PLAIN_TYPES,
  });
}
