/**
 * PgBouncer in transaction mode. Its clients stay when servers change. It lends a server connection for a transaction
 * (for a statement outside one), says `in_hot_standby = off` whatever stands behind it, and reports its own troubles
 * as 08P01. It may stay attached to a server that is not what it should lead to any more.
 */
import type { Dice } from '../dice.ts';
import type { CloseKind, Peer, Reply, Request, Response } from '../protocol.ts';
import { SqlError } from '../protocol.ts';
import type { SimTime } from '../time.ts';
import type { ModelObserver } from './observer.ts';
import type { Server } from './server.ts';

export interface PoolerWorld {
  readonly time: SimTime;
  readonly dice: Dice;
  readonly observer: ModelObserver;
  /** The servers that it should lead to, by label. */
  targets(): readonly Server[];
}

interface ServerSession {
  readonly server: Server;
  readonly peer: Peer;
  user: PoolerSession | undefined;
  ready: boolean;
  gone: boolean;
}

const POOL_SIZE = 5;
/** `query_wait_timeout`, shortened: its default of two minutes outlasts every schedule. */
const QUERY_WAIT_MS = 5_000;
const FORWARD_MS = 0.1;
/** After a failed login the pooler answers at once for a while (`server_login_retry`). */
const LOGIN_RETRY_MS = 1_000;

export class Pooler {
  readonly world: PoolerWorld;
  listens = true;
  /** While it is stale it keeps to the server it is attached to. */
  stale = false;
  #attached: Server | undefined;
  readonly #sessions = new Set<ServerSession>();
  readonly #waiting: PoolerSession[] = [];
  readonly #clients = new Set<PoolerSession>();
  #nextProcess = 50_000;
  #loginFailedAt = -Infinity;

  constructor(world: PoolerWorld) {
    this.world = world;
  }

  accept(reply: Reply): Peer {
    this.#nextProcess += 1;
    const session = new PoolerSession(this, reply, this.#nextProcess);
    this.#clients.add(session);
    return session;
  }

  /** All of it stops: clients lose their connections. */
  stop(): void {
    this.listens = false;
    for (const client of this.#clients) client.vanish();
    for (const session of this.#sessions) session.peer.hangUp('fin');
    this.#clients.clear();
    this.#sessions.clear();
    this.#waiting.length = 0;
  }

  start(): void {
    this.listens = true;
  }

  /** Gets a server connection for the session: now, or when one is free. */
  want(client: PoolerSession): void {
    this.#waiting.push(client);
    this.world.time.after(QUERY_WAIT_MS, () => {
      if (!this.#leaveLine(client)) return;
      this.world.observer.occurred('query-wait-timeout');
      client.fail(new SqlError('08P01', 'query_wait_timeout', 'FATAL'));
    });
    this.#serve();
  }

  #leaveLine(client: PoolerSession): boolean {
    const at = this.#waiting.indexOf(client);
    if (at >= 0) this.#waiting.splice(at, 1);
    return at >= 0;
  }

  /** The client is gone. A server connection in the middle of something is closed with it. */
  drop(client: PoolerSession): void {
    this.#clients.delete(client);
    this.#leaveLine(client);
  }

  giveBack(session: ServerSession): void {
    session.user = undefined;
    if (session.server !== this.#target()) this.#close(session);
    this.#serve();
  }

  discard(session: ServerSession, how: CloseKind): void {
    session.peer.hangUp(how);
    this.#forget(session);
  }

  #target(): Server | undefined {
    if (this.stale && this.#attached !== undefined) return this.#attached;
    const targets = this.world.targets();
    if (this.#attached === undefined || !targets.includes(this.#attached)) {
      this.#attached = targets.length === 0 ? undefined : this.world.dice.pick(targets);
    }
    return this.#attached;
  }

  #serve(): void {
    while (this.#waiting.length > 0) {
      const target = this.#target();
      for (const session of this.#sessions)
        if (session.user === undefined && session.server !== target) this.#close(session);
      const free = [...this.#sessions].find((session) => session.ready && session.user === undefined);
      if (free === undefined) {
        this.#open(target);
        return;
      }
      const client = this.#waiting.shift()!;
      free.user = client;
      client.lent(free);
    }
  }

  #open(target: Server | undefined): void {
    const opening = [...this.#sessions].some((session) => !session.ready);
    if (opening || this.#sessions.size >= POOL_SIZE) return;
    if (target === undefined || !target.listens) {
      this.#loginFailed();
      return;
    }
    const session: { -readonly [Key in keyof ServerSession]: ServerSession[Key] } = {
      server: target,
      peer: { receive: () => {}, hangUp: () => {} },
      user: undefined,
      ready: false,
      gone: false,
    };
    this.#sessions.add(session);
    session.peer = target.accept({
      send: (response) => this.world.time.after(FORWARD_MS, () => this.#fromServer(session, response)),
      close: (how) => this.world.time.after(FORWARD_MS, () => this.#serverClosed(session, how)),
    });
  }

  #fromServer(session: ServerSession, response: Response): void {
    if (response.kind === 'welcome') {
      session.ready = true;
      this.#serve();
    } else if (response.kind === 'fatal' && !session.ready) this.#loginFailed();
    // What it says of its role reaches no client: each of them was told `off` once.
    else if (response.kind !== 'parameter') session.user?.fromServer(response);
  }

  #serverClosed(session: ServerSession, _how: CloseKind): void {
    if (session.gone) return;
    const { user } = session;
    this.#forget(session);
    user?.fail(new SqlError('08P01', 'server conn crashed?', 'FATAL'));
  }

  #loginFailed(): void {
    const { time, observer } = this.world;
    if (time.now - this.#loginFailedAt < LOGIN_RETRY_MS) return;
    this.#loginFailedAt = time.now;
    observer.occurred('server-login-failed');
    const text = 'server login has been failing, try again later (server_login_retry)';
    for (const client of this.#waiting.splice(0)) client.fail(new SqlError('08P01', text, 'FATAL'));
    this.#attached = this.stale ? this.#attached : undefined;
    time.after(LOGIN_RETRY_MS, () => this.#serve());
  }

  #close(session: ServerSession): void {
    session.peer.hangUp('fin');
    this.#forget(session);
  }

  #forget(session: ServerSession): void {
    session.gone = true;
    this.#sessions.delete(session);
    this.#serve();
  }
}

class PoolerSession implements Peer {
  readonly #pooler: Pooler;
  readonly #reply: Reply;
  readonly #queue: Request[] = [];
  #lent: ServerSession | undefined;
  #asked = false;
  #unanswered = 0;
  #gone = false;

  constructor(pooler: Pooler, reply: Reply, processId: number) {
    this.#pooler = pooler;
    this.#reply = reply;
    reply.send({ kind: 'welcome', processId });
  }

  receive(request: Request): void {
    if (this.#gone) return;
    this.#queue.push(request);
    this.#forward();
  }

  hangUp(how: CloseKind): void {
    if (this.#gone) return;
    this.#end();
    // In the middle of a transaction the server connection is of no use to anybody else.
    if (this.#lent !== undefined) this.#pooler.discard(this.#lent, how);
    this.#reply.close('fin');
  }

  lent(session: ServerSession): void {
    this.#lent = session;
    this.#asked = false;
    this.#forward();
  }

  fromServer(response: Response): void {
    if (this.#gone) return;
    this.#reply.send(response);
    if (response.kind !== 'answer') return;
    this.#unanswered -= 1;
    if (response.status !== 'idle' || this.#unanswered > 0 || this.#queue.length > 0) return;
    const session = this.#lent;
    this.#lent = undefined;
    if (session !== undefined) this.#pooler.giveBack(session);
  }

  /** An error of the pooler's own: it ends the connection. */
  fail(error: SqlError): void {
    if (this.#gone) return;
    this.#end();
    this.#reply.send({ kind: 'fatal', error });
    this.#reply.close('fin');
  }

  vanish(): void {
    this.#gone = true;
    this.#reply.close('reset');
  }

  #end(): void {
    this.#gone = true;
    this.#pooler.drop(this);
  }

  #forward(): void {
    if (this.#lent === undefined) {
      if (this.#asked || this.#queue.length === 0) return;
      this.#asked = true;
      this.#pooler.want(this);
      return;
    }
    const { peer } = this.#lent;
    for (const request of this.#queue.splice(0)) {
      this.#unanswered += 1;
      this.#pooler.world.time.after(FORWARD_MS, () => peer.receive(request));
    }
  }
}
