/**
 * Lends connections, one to a caller. `pg-pool` keeps them (idle ones, their timeouts); who gets one, how many are
 * open and when a new one is tried is decided here, because pg-pool's own answers are what goes wrong in a failover:
 * an unbounded line, a storm of connects, every caller paying for a dead server by itself.
 *
 * A failed attempt to connect costs no caller its place: the lane tries again, with backoff and at most two attempts
 * at a time, while the callers wait until their own deadlines.
 */
import Pool from 'pg-pool';
import { ClientClosedError, WaitingLineFullError } from '../errors/call-errors.ts';
import { ConnectionRejectedError, EndpointDownError } from '../errors/connection-errors.ts';
import { backoffMs } from '../policy/backoff.ts';
import { codeOf } from '../policy/classify.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { Random } from '../runtime/random.ts';
import type { ConnectDemand } from './connect.ts';
import type { Connection } from './connection.ts';
import type { Lease } from './lease.ts';
import { PooledConnection } from './pooled-connection.ts';
import type { Waiting } from './waiting-line.ts';
import { WaitingLine } from './waiting-line.ts';

export interface ExclusiveLaneOptions {
  /** How the endpoint calls itself in errors: kind and address. */
  readonly name: string;
  /** Connections open or opening, at most. */
  readonly maxConnections: number;
  /** Callers without a connection for whom there is no room, at most; the next one is refused at once. */
  readonly maxWaiting: number;
  /** An idle connection is closed after this time, in milliseconds. */
  readonly idleTimeoutMs: number;
  /** A connection is not lent any more after about this time (10 % jitter), in milliseconds. */
  readonly maxLifetimeMs: number;
}

export interface LaneHooks {
  open(demand: ConnectDemand): Promise<Connection>;
  /** Whether a socket more may be opened: attempts to connect may hold several. */
  hasRoom(): boolean;
  /** The first connection after none, or none after the last. */
  onUp(): void;
  onDown(cause: Error): void;
  /** A connection was opened and may now be lent. */
  onOpened(connection: Connection): void;
}

export interface LaneState {
  /** The failure since which nothing could be connected, or for which the lane was suspended; undefined while it works. */
  readonly downBecause: Error | undefined;
  /** Every connection it may have is lent, or the server takes no more. */
  readonly saturated: boolean;
  readonly open: number;
  readonly leased: number;
  readonly opening: number;
  readonly waiting: number;
}

/** Connects at the same time, at most: more would be a storm on a server that has just become primary. */
const MAX_OPENING = 2;
/** While callers wait: quick, because this pause is our own share of an outage. */
const BACKOFF_WANTED = { baseMs: 20, capMs: 200 };
/** While nobody waits: only to learn that the endpoint is back. */
const BACKOFF_UNWANTED = { baseMs: 100, capMs: 10_000 };
/** After an outage connections come back one by one, this far apart on average: many clients come at the same time. */
const RAMP = { intervalMs: 20, lastsMs: 1_000 };
const LIFETIME_JITTER = 0.1;

/** What pg-pool hands out: our connection, with its way back. */
type PoolMember = PooledConnection & { release(destroy?: boolean): void };

export class ExclusiveLane {
  readonly #options: ExclusiveLaneOptions;
  readonly #hooks: LaneHooks;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #pool: Pool<PooledConnection>;
  readonly #line = new WaitingLine<Lease>();
  /** Everything open, idle and leased, until its socket is closed. */
  readonly #members = new Set<PooledConnection>();
  #leased = 0;
  #opening = 0;
  /** Calls of pool.connect() that have not called back yet, and those of them that were meant for an idle one. */
  #checkouts = 0;
  #idleCheckouts = 0;
  #failures = 0;
  #pause: Timer | undefined;
  #downBecause: Error | undefined;
  #suspended: Error | undefined;
  #rampUntil = 0;
  #rampPause: Timer | undefined;
  #closed = false;
  #allGone: (() => void) | undefined;

  constructor(options: ExclusiveLaneOptions, hooks: LaneHooks, time: { clock: Clock; random: Random }) {
    this.#options = options;
    this.#hooks = hooks;
    this.#clock = time.clock;
    this.#random = time.random;
    const open = (self: PooledConnection) => this.#open(self);
    const Client = class extends PooledConnection {
      constructor() {
        super(open);
      }
    };
    this.#pool = new Pool({
      Client,
      max: options.maxConnections,
      idleTimeoutMillis: options.idleTimeoutMs,
      allowExitOnIdle: true,
    });
    // An idle connection that dies is no news here: pg-pool has dropped it, and the next caller opens another.
    this.#pool.on('error', () => {});
    this.#pool.on('remove', (client) => this.#removed(client));
  }

  get state(): LaneState {
    return {
      downBecause: this.#unusable,
      saturated: this.#isSaturated(),
      open: this.#members.size,
      leased: this.#leased,
      opening: this.#opening,
      waiting: this.#line.size,
    };
  }

  /**
   * @throws WaitingLineFullError, EndpointDownError, ConnectionRejectedError, ClientClosedError or the deadline's
   * own error; nothing was sent in any of these cases.
   */
  async acquire(deadline: Deadline, waiting: Waiting = {}): Promise<Lease> {
    if (this.#closed) throw new ClientClosedError('the client is closed');
    if (this.#unusable !== undefined && waiting.impatient === true) throw this.#downError(this.#unusable);
    // Those for whom there is room are about to be served: they do not wait.
    const room = Math.max(0, this.#options.maxConnections - this.#leased);
    if (this.#line.size - room >= this.#options.maxWaiting && waiting.urgent !== true)
      throw this.#fullError();
    const lease = this.#line.join(deadline, waiting, () =>
      deadline.error(`waiting for a connection to ${this.#describe()}`, 'not-executed', this.#unusable),
    );
    // The pause was chosen while nobody waited.
    if (this.#pause !== undefined && this.#line.size === 1) this.#pauseOpening();
    this.#pump();
    return lease;
  }

  /** Ends the matching connections: idle ones now, busy ones when their statement is answered. */
  retire(matches: (connection: Connection) => boolean, reason: Error): void {
    for (const member of this.#members) {
      if (!matches(member.connection)) continue;
      member.retired = true;
      if (member.idle) void member.connection.wire.end();
      else {
        member.emit('retired', reason);
        member.connection.wire.finish(reason);
      }
    }
  }

  /**
   * Lends nothing until {@link resume}: connections can be made, and then break. Callers wait or are refused, as
   * they are while nothing can be connected.
   */
  suspend(because: Error): void {
    this.#suspended = because;
    this.#line.reject('impatient', () => this.#downError(because));
  }

  resume(): void {
    this.#suspended = undefined;
    this.#startRamp();
    this.#pump();
  }

  /** Something has changed: a lane that is down need not sit out a pause that was chosen before. */
  hurry(): void {
    if (this.#downBecause === undefined || this.#pause === undefined) return;
    this.#failures = 1;
    this.#pauseOpening();
  }

  /** The connections that are lent. */
  *lent(): Iterable<Connection> {
    for (const member of this.#members) if (!member.idle) yield member.connection;
  }

  /** A connection to a matching server that is lent to nobody. */
  findIdle(matches: (connection: Connection) => boolean): Connection | undefined {
    for (const member of this.#members) {
      if (member.idle && matches(member.connection)) return member.connection;
    }
    return undefined;
  }

  /** Whether the connection is lent to nobody. */
  isIdle(connection: Connection): boolean {
    for (const member of this.#members) if (member.connection === connection) return member.idle;
    return false;
  }

  /** Closes the matching connections now, busy ones included: their statements fail with `reason`. */
  destroy(matches: (connection: Connection) => boolean, reason: Error): void {
    for (const member of this.#members) {
      if (matches(member.connection)) member.connection.wire.destroy(reason);
    }
  }

  /** Refuses new and waiting callers, and resolves when all connections have come back and are closed. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#pause?.cancel();
    this.#rampPause?.cancel();
    this.#line.reject(
      'all',
      () => new ClientClosedError('the client was closed while waiting for a connection'),
    );
    await this.#pool.end();
    // pg-pool is done when it has let go of its clients; their sockets close a little later.
    if (this.#members.size > 0) await new Promise<void>((resolve) => (this.#allGone = resolve));
  }

  /** Puts waiting callers and connections together, as far as there are any. */
  #pump(): void {
    if (this.#closed || this.#suspended !== undefined) return;
    while (this.#line.size > this.#checkouts) {
      if (this.#pool.idleCount > this.#idleCheckouts) this.#checkout(true);
      else if (this.#mayOpen()) this.#checkout(false);
      else return;
    }
  }

  #mayOpen(): boolean {
    return (
      this.#pause === undefined &&
      this.#rampPause === undefined &&
      this.#toOpen < MAX_OPENING &&
      this.#members.size + this.#toOpen < this.#options.maxConnections &&
      this.#hooks.hasRoom()
    );
  }

  get #unusable(): Error | undefined {
    return this.#downBecause ?? this.#suspended;
  }

  #isSaturated(): boolean {
    if (codeOf(this.#downBecause) === '53300') return true;
    const full = this.#members.size + this.#toOpen >= this.#options.maxConnections;
    return this.#pool.idleCount <= this.#idleCheckouts && full;
  }

  /** Connections being opened, those included that pg-pool has been asked for and will open on its next turn. */
  get #toOpen(): number {
    return Math.max(this.#opening, this.#checkouts - this.#idleCheckouts);
  }

  #checkout(fromIdle: boolean): void {
    this.#checkouts += 1;
    if (fromIdle) this.#idleCheckouts += 1;
    this.#pool.connect((_error, client) => {
      this.#checkouts -= 1;
      if (fromIdle) this.#idleCheckouts -= 1;
      // A failure was dealt with in #open; the callers it was for still wait in the line.
      if (client !== undefined) this.#lend(client);
      this.#pump();
    });
  }

  #lend(member: PoolMember): void {
    if (this.#closed || member.retired || this.#clock.now() > member.lendUntil) {
      member.release(true);
      return;
    }
    let released = false;
    const release = () => {
      if (released) throw new Error('a lease was released twice');
      released = true;
      member.removeAllListeners('retired');
      this.#leased -= 1;
      const { wire } = member.connection;
      const fit =
        wire.lostBecause === undefined && wire.transactionStatus === 'idle' && wire.unanswered === 0;
      member.release(!fit || member.retired);
      this.#pump();
    };
    const onRetired = (listener: (reason: Error) => void) => void member.once('retired', listener);
    if (this.#line.serveNext({ connection: member.connection, release, onRetired })) this.#leased += 1;
    else member.release();
  }

  async #open(member: PooledConnection): Promise<Connection> {
    this.#opening += 1;
    try {
      const connection = await this.#hooks.open({
        isWanted: () => this.#line.size > 0 && !this.#closed,
        onFailed: (error) => this.#failedBesideOthers(error),
        onRoom: () => this.#pump(),
      });
      member.lendUntil =
        this.#clock.now() + this.#options.maxLifetimeMs * (1 - LIFETIME_JITTER * this.#random());
      this.#members.add(member);
      this.#failures = 0;
      if (this.#downBecause !== undefined) {
        this.#downBecause = undefined;
        this.#startRamp();
        this.#hooks.onUp();
      }
      this.#pauseRamp();
      this.#hooks.onOpened(connection);
      return connection;
    } catch (error) {
      this.#failed(error);
      throw error;
    } finally {
      this.#opening -= 1;
    }
  }

  #failed(error: unknown): void {
    if (this.#closed) return;
    this.#failures += 1;
    this.#failedBesideOthers(error);
    this.#pauseOpening();
  }

  /** A first attempt has failed, and those that were begun beside it are still under way. */
  #failedBesideOthers(thrown: unknown): void {
    if (this.#closed) return;
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    const alive = [...this.#members].some((member) => member.connection.wire.lostBecause === undefined);
    if (!alive) this.#goDown(error);
    // Those who wait for a new connection are better served elsewhere than by the few that are left.
    else this.#line.reject('impatient', () => this.#downError(error));
  }

  #startRamp(): void {
    this.#rampUntil = this.#clock.now() + RAMP.lastsMs;
  }

  #pauseRamp(): void {
    if (this.#closed || this.#clock.now() >= this.#rampUntil || this.#rampPause !== undefined) return;
    this.#rampPause = this.#clock.schedule(2 * RAMP.intervalMs * this.#random(), () => {
      this.#rampPause = undefined;
      this.#pump();
    });
  }

  #goDown(error: Error): void {
    const wasUp = this.#downBecause === undefined;
    this.#downBecause = error;
    if (wasUp) this.#hooks.onDown(error);
    this.#line.reject('impatient', () => this.#downError(error));
    if (error instanceof ConnectionRejectedError) this.#line.reject('all', () => error);
  }

  #pauseOpening(): void {
    const backoff = this.#line.size > 0 ? BACKOFF_WANTED : BACKOFF_UNWANTED;
    this.#pause?.cancel();
    this.#pause = this.#clock.schedule(backoffMs(this.#failures, backoff, this.#random), () => {
      this.#pause = undefined;
      // With nobody waiting, one connect still finds out whether the endpoint is back.
      if (this.#line.size === 0 && this.#downBecause !== undefined && this.#mayOpen()) this.#checkout(false);
      else this.#pump();
    });
  }

  #removed(member: PooledConnection): void {
    this.#members.delete(member);
    if (this.#members.size === 0) this.#allGone?.();
    this.#pump();
  }

  #downError(cause: Error): EndpointDownError {
    return new EndpointDownError(`${this.#options.name} is down: ${cause.message}`, { cause });
  }

  #fullError(): WaitingLineFullError {
    return new WaitingLineFullError(
      `no connection to ${this.#describe()}: the waiting line is full ('maxWaiting' is ${this.#options.maxWaiting})`,
    );
  }

  #describe(): string {
    const { open, leased, waiting } = this.state;
    return `${this.#options.name}: ${leased} of ${open} connections leased ('maxConnections' leaves room for ${this.#options.maxConnections}), ${waiting} waiting`;
  }
}
