import type { ClientEvents } from './client-events.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { Events } from '../runtime/events.ts';
import type { Random } from '../runtime/random.ts';
import { ClientClosedError } from '../errors/call-errors.ts';
import { ConnectionLostError } from '../errors/connection-errors.ts';
import type { EndpointKind } from '../policy/topology.ts';
import type { Address, ConnectContext, ConnectOptions } from './connect.ts';
import { Connector } from './connect.ts';
import type { Connection } from './connection.ts';
import { ExclusiveLane } from './exclusive-lane.ts';
import type { Lease } from './lease.ts';
import { SERVER_WATCH_DEFAULTS, ServerWatch } from './server-watch.ts';

export interface EndpointOptions extends ConnectOptions {
  /** Everything that is ever open to this endpoint, probes included. 3 or more. */
  readonly maxConnections: number;
  readonly maxWaiting: number;
  readonly idleTimeoutMs: number;
  readonly maxLifetimeMs: number;
}

/** What all endpoints of one client share. */
export interface EndpointContext extends ConnectContext {
  readonly random: Random;
  readonly events: Events<ClientEvents>;
}

export interface EndpointHealth {
  readonly address: string;
  /** `unknown` until the first connection was tried. */
  readonly state: 'up' | 'down' | 'unknown';
  /** Why it is down. */
  readonly reason: string | null;
  readonly connections: { readonly open: number; readonly leased: number; readonly opening: number };
  readonly waiting: number;
}

/** A probe may hold one connection, and try another. */
const RESERVED_FOR_PROBES = 2;

/** One address: its lane, its connects, its watch. */
export class Endpoint {
  readonly kind: EndpointKind;
  readonly #address: string;
  readonly #context: EndpointContext;
  readonly #connector: Connector;
  readonly #lane: ExclusiveLane;
  readonly #watch: ServerWatch;
  #everOpened = false;

  constructor(kind: EndpointKind, address: Address, options: EndpointOptions, context: EndpointContext) {
    this.kind = kind;
    this.#address = `${address.host}:${address.port}`;
    this.#context = context;
    const connector = new Connector(kind, address, options, context);
    this.#connector = connector;
    this.#lane = new ExclusiveLane(
      {
        name: `${kind} (${this.#address})`,
        maxConnections: options.maxConnections - RESERVED_FOR_PROBES,
        maxWaiting: options.maxWaiting,
        idleTimeoutMs: options.idleTimeoutMs,
        maxLifetimeMs: options.maxLifetimeMs,
        whenDown: kind === 'master' ? 'wait' : 'refuse',
      },
      {
        open: () => connector.connect(),
        onUp: () => context.events.emit('endpoint:up', this.#named()),
        onDown: (cause) => context.events.emit('endpoint:down', { ...this.#named(), reason: cause.message }),
        onOpened: (connection) => this.#opened(connection),
      },
      context,
    );
    this.#watch = new ServerWatch(
      { ...SERVER_WATCH_DEFAULTS, oneServerOnly: kind === 'master' },
      {
        probe: () => connector.connect(),
        isBusy: () => this.#lane.state.leased > 0,
        isIdle: (connection) => this.#lane.isIdle(connection),
        onSuspected: (_server, silentMs) =>
          context.events.emit('server:suspected', { ...this.#named(), silentMs: Math.round(silentMs) }),
        onDead: (server, silentMs) => this.#dead(server, Math.round(silentMs)),
      },
      context.responsive,
    );
  }

  /** Whether it is worth asking for a lease: false while nothing can be connected. */
  get usable(): boolean {
    return this.#lane.state.downBecause === undefined;
  }

  get health(): EndpointHealth {
    const { downBecause, open, leased, opening, waiting } = this.#lane.state;
    const state = downBecause !== undefined ? 'down' : this.#everOpened ? 'up' : 'unknown';
    const reason = downBecause?.message ?? null;
    return { address: this.#address, state, reason, connections: { open, leased, opening }, waiting };
  }

  /** See {@link ExclusiveLane.acquire}. */
  async acquire(deadline: Deadline, urgent?: boolean): Promise<Lease> {
    const lease = await this.#lane.acquire(deadline, urgent);
    this.#watch.wake();
    return lease;
  }

  /** Lends the matching connections no more. */
  retire(matches: (connection: Connection) => boolean): void {
    this.#lane.retire(matches);
  }

  async close(): Promise<void> {
    const closed = Promise.all([this.#lane.close(), this.#watch.close()]);
    this.#connector.close(new ClientClosedError('the client was closed while it connected'));
    await closed;
  }

  #opened(connection: Connection): void {
    this.#everOpened = true;
    this.#watch.add(connection);
    connection.wire.onParameter((name, value) => {
      const role = value === 'on' ? 'standby' : 'primary';
      // The server was promoted under us (PostgreSQL reports it with the next statement): no longer what we came for.
      if (name === 'in_hot_standby' && role !== connection.identity.role)
        this.retire((each) => each === connection);
    });
  }

  #dead(server: string, silentMs: number): void {
    this.#context.events.emit('server:dead', { ...this.#named(), silentMs });
    const reason = new ConnectionLostError(
      `${this.kind} (${this.#address}): no byte and no answer to a probe for ${silentMs} ms`,
      'unknown',
    );
    this.#lane.destroy((connection) => connection.identity.server === server, reason);
  }

  #named(): { endpoint: EndpointKind; address: string } {
    return { endpoint: this.kind, address: this.#address };
  }
}
