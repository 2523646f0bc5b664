import type { QueryResult } from 'pg';
import type { Statement } from '../wire/wire.ts';
import type { ClientEvents } from './client-events.ts';
import type { Deadline } from '../runtime/deadline.ts';
import { failoverChannel } from '../runtime/diagnostics.ts';
import type { FailoverTrace } from '../runtime/diagnostics.ts';
import type { Events } from '../runtime/events.ts';
import type { Random } from '../runtime/random.ts';
import { ClientClosedError } from '../errors/call-errors.ts';
import { ConnectionLostError, UnsuitableServerError } from '../errors/connection-errors.ts';
import { roleWanted } from '../policy/topology.ts';
import type { EndpointKind } from '../policy/topology.ts';
import { askRole } from './ask-role.ts';
import type { Address } from './address-order.ts';
import { addressText } from './address-order.ts';
import type { ConnectContext, ConnectOptions } from './connect.ts';
import { Connector, MAX_PROBES } from './connect.ts';
import type { Connection } from './connection.ts';
import { ExclusiveLane } from './exclusive-lane.ts';
import { keepBeating } from './heartbeat.ts';
import type { BorrowedConnection } from './hung-connections.ts';
import { HungConnections } from './hung-connections.ts';
import type { EndpointLease, SessionLease } from './lease.ts';
import { SessionLane } from './session-lane.ts';
import type { SessionDemand } from './session-lane.ts';
import { SERVER_WATCH_DEFAULTS, ServerWatch } from './server-watch.ts';
import type { Waiting } from './waiting-line.ts';

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
  /** Finds out where the master's own address leads. Rejects where that is nowhere. */
  readonly lookForPrimary: () => Promise<void>;
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

/** One address: its lane, its connects, its watch. */
export class Endpoint {
  readonly kind: EndpointKind;
  readonly #addresses: readonly Address[];
  readonly #address: string;
  readonly #context: EndpointContext;
  readonly #connector: Connector;
  readonly #lane: ExclusiveLane;
  readonly #sessions: SessionLane;
  readonly #watch: ServerWatch;
  readonly #hung: HungConnections;
  #stopLooking: (() => void) | undefined;
  #everOpened = false;
  #looks = 0;
  /** From the master's going down to its coming up. */
  #failover: FailoverTrace | undefined;

  constructor(
    kind: EndpointKind,
    addresses: readonly Address[],
    options: EndpointOptions,
    context: EndpointContext,
  ) {
    this.kind = kind;
    this.#addresses = addresses;
    this.#address = addresses.map(addressText).join(',');
    this.#context = context;
    const maxConnections = options.maxConnections - MAX_PROBES;
    this.#connector = new Connector(kind, addresses, maxConnections, options, context);
    this.#lane = new ExclusiveLane(
      {
        name: `${kind} (${this.#address})`,
        maxConnections,
        maxWaiting: options.maxWaiting,
        idleTimeoutMs: options.idleTimeoutMs,
        maxLifetimeMs: options.maxLifetimeMs,
      },
      {
        open: (demand) => this.#connector.connect(demand),
        hasRoom: () => this.#connector.hasRoom,
        onUp: () => this.#up(),
        onDown: (cause) => this.#down(cause.message),
        onOpened: (connection) => this.#opened(connection),
      },
      context,
    );
    this.#sessions = new SessionLane(
      {
        name: `${kind} (${this.#address})`,
        // Statements need a connection as well.
        maxSessions: Math.max(1, maxConnections - 1),
        maxWaiting: options.maxWaiting,
      },
      {
        borrow: (deadline, waiting) => this.acquire(deadline, waiting),
        whyUnusable: () => this.#lane.state.downBecause,
        isWanted: (role) => role === roleWanted(kind),
        onWrongRole: (lease) =>
          lease.condemn(new UnsuitableServerError(`the server behind ${kind} has changed its role`)),
      },
      context.clock,
    );
    this.#watch = new ServerWatch(
      { ...SERVER_WATCH_DEFAULTS, oneServerOnly: kind === 'master' },
      {
        probe: ({ address }) => this.#connector.probe([address]),
        isBusy: () => this.#lane.state.leased > 0,
        isIdle: (connection) => this.#lane.isIdle(connection),
        onSuspected: (silentMs) =>
          context.events.emit('server:suspected', { ...this.#named(), silentMs: Math.round(silentMs) }),
        onDead: (peer, silentMs) => this.#dead(peer, Math.round(silentMs)),
      },
      context.responsive,
    );
    this.#hung = new HungConnections(
      {
        lent: () => this.#lane.lent(),
        isReplaced: ({ identity }) => context.topology.isReplaced(identity),
        borrow: (like) => this.#borrow(like),
        onHung: ({ wire }, because, silentMs) => {
          const why =
            because === 'forgotten'
              ? 'a connection was forgotten by the network'
              : 'another server has taken over';
          wire.destroy(this.#lost(`${why}: silent for ${Math.round(silentMs)} ms`));
        },
      },
      context,
    );
  }

  /** Whether it is worth asking for a lease: false while nothing can be connected, or connections break. */
  get usable(): boolean {
    return this.#lane.state.downBecause === undefined;
  }

  /** Whether a caller would have to wait for others. */
  get saturated(): boolean {
    return this.#lane.state.saturated;
  }

  get health(): EndpointHealth {
    const { downBecause, open, leased, opening, waiting } = this.#lane.state;
    const state = downBecause !== undefined ? 'down' : this.#everOpened ? 'up' : 'unknown';
    const reason = downBecause?.message ?? null;
    return {
      address: this.#address,
      state,
      reason,
      connections: { open, leased, opening },
      waiting: waiting + this.#sessions.waiting,
    };
  }

  /** See {@link ExclusiveLane.acquire}. */
  async acquire(deadline: Deadline, waiting?: Waiting): Promise<EndpointLease> {
    const lease = await this.#lane.acquire(deadline, waiting);
    this.#watch.wake();
    this.#lookForHung();
    const { connection } = lease;
    return {
      connection,
      endpoint: this.kind,
      release: () => lease.release(),
      onRetired: (listener) => lease.onRetired(listener),
      condemn: (reason) => this.retire(({ peer }) => peer === connection.peer, reason),
    };
  }

  /** A connection for whoever needs a session of its own. See {@link SessionLane.acquire}. */
  async acquireSession(deadline: Deadline, demand: SessionDemand): Promise<SessionLease> {
    const lease = await this.#sessions.acquire(deadline, demand);
    const { wire } = lease.connection;
    return {
      ...lease,
      keepBeating: (intervalMs, maySend) => keepBeating(wire, intervalMs, maySend, this.#context.responsive),
    };
  }

  /** Ends the matching connections: idle ones now, busy ones when their statement is answered. */
  retire(matches: (connection: Connection) => boolean, reason: Error): void {
    this.#lane.retire(matches, reason);
  }

  /** See {@link ExclusiveLane.hurry}. */
  hurry(): void {
    this.#lane.hurry();
  }

  /** Lends nothing until {@link resume}. */
  suspend(because: Error): void {
    this.#lane.suspend(because);
  }

  resume(): void {
    this.#lane.resume();
  }

  /** Opens a connection of its own and closes it. Rejects where the address leads to nothing of use. */
  async probe(): Promise<void> {
    const { wire } = await this.#connector.probe(this.#addressesInTurn());
    await wire.end();
  }

  /**
   * Asks over a connection that nobody uses, which nobody has to wait for.
   *
   * @returns undefined where there is none, or no answer within the time: it is closed then, unless somebody has
   * begun to use it.
   */
  async askBeside(
    statement: Statement,
    limitMs: number,
  ): Promise<{ readonly answer: QueryResult; readonly connection: Connection } | undefined> {
    const connection = this.#lane.findIdle(({ wire }) => wire.unanswered === 0);
    if (connection === undefined) return undefined;
    const { wire } = connection;
    let giveUp = () => {};
    const silence = new Promise<undefined>((resolve) => (giveUp = () => resolve(undefined)));
    const limit = this.#context.clock.schedule(limitMs, () => {
      giveUp();
      if (this.#lane.isIdle(connection)) wire.destroy(this.#lost(`no answer within ${limitMs} ms`));
    });
    const answer = await Promise.race([wire.query(statement).catch(() => undefined), silence]);
    limit.cancel();
    return answer === undefined ? undefined : { answer, connection };
  }

  /**
   * Whether a server to which connections are open still answers, and as the primary. Connections of one that does
   * not are ended on the way.
   */
  async answersAsPrimary(server: string): Promise<boolean> {
    const isOfServer = ({ identity, pooled }: Connection) => identity.server === server && !pooled;
    const reason = new UnsuitableServerError('another server has taken over');
    const unused = this.#lane.findIdle(isOfServer);
    const mayClose = () => unused !== undefined && this.#lane.isIdle(unused);
    const role = unused === undefined ? 'silent' : await askRole(unused.wire, this.#context.clock, mayClose);
    if (role !== 'primary') this.retire(isOfServer, reason);
    return role === 'primary';
  }

  async close(): Promise<void> {
    this.#stopLooking?.();
    this.#stopLooking = undefined;
    this.#sessions.close();
    await Promise.all([
      this.#lane.close(),
      this.#watch.close(),
      this.#connector.close(new ClientClosedError('the client was closed while it connected')),
    ]);
  }

  #opened(connection: Connection): void {
    this.#everOpened = true;
    this.#watch.add(connection);
    // A pooler repeats what it once heard.
    if (connection.pooled) return;
    connection.wire.onParameter((name, value) => {
      if (name !== 'in_hot_standby') return;
      const role = value === 'on' ? 'standby' : 'primary';
      // Promoted under us (PostgreSQL reports it with the next statement): no longer what we came for.
      if (role === roleWanted(this.kind)) return;
      const reason = new UnsuitableServerError(`the server behind ${this.kind} has become a ${role}`);
      this.retire((each) => each === connection, reason);
    });
  }

  #down(reason: string): void {
    this.#context.events.emit('endpoint:down', { ...this.#named(), reason });
    if (this.kind !== 'master') return;
    this.#failover = { address: this.#address, reason };
    failoverChannel.start.publish(this.#failover);
    failoverChannel.end.publish(this.#failover);
  }

  #up(): void {
    this.#context.events.emit('endpoint:up', this.#named());
    if (this.#failover === undefined) return;
    failoverChannel.asyncStart.publish(this.#failover);
    failoverChannel.asyncEnd.publish(this.#failover);
    this.#failover = undefined;
  }

  #dead(peer: string, silentMs: number): void {
    this.#context.events.emit('server:dead', { ...this.#named(), silentMs });
    const reason = this.#lost(`no byte and no answer to a probe for ${silentMs} ms`);
    this.#lane.destroy((connection) => connection.peer === peer, reason);
  }

  #lookForHung(): void {
    this.#stopLooking ??= this.#context.responsive.onTick((punctual) => {
      this.#hung.look(punctual);
      if (this.#lane.state.leased > 0) return;
      this.#stopLooking?.();
      this.#stopLooking = undefined;
    });
  }

  /** A connection to the same server that nobody uses: a fresh one that leads there, else one that is idle. */
  async #borrow({ peer, pooled }: Connection): Promise<BorrowedConnection | undefined> {
    if (pooled) {
      await this.#context.lookForPrimary().catch(() => {});
      return undefined;
    }
    const fresh = await this.#connector.probe(this.#addressesInTurn()).catch(() => undefined);
    const giveBack = () => void fresh?.wire.end();
    if (fresh?.peer === peer) return { connection: fresh, isUsed: () => false, giveBack };
    giveBack();
    const idle = this.#lane.findIdle((each) => each.peer === peer && each.wire.unanswered === 0);
    if (idle === undefined) return undefined;
    return { connection: idle, isUsed: () => !this.#lane.isIdle(idle), giveBack: () => {} };
  }

  /** Beginning with another one each time: where every server has one, who has taken over is behind another. */
  #addressesInTurn(): readonly Address[] {
    const first = this.#looks++ % this.#addresses.length;
    return [...this.#addresses.slice(first), ...this.#addresses.slice(0, first)];
  }

  #lost(what: string): ConnectionLostError {
    return new ConnectionLostError(`${this.kind} (${this.#address}): ${what}`, 'unknown');
  }

  #named(): { endpoint: EndpointKind; address: string } {
    return { endpoint: this.kind, address: this.#address };
  }
}
