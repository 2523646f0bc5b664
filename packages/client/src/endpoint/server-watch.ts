/**
 * Finds servers that are frozen: their kernel keeps the sockets open, so no error ever comes. For each server that
 * owes us an answer:
 *
 *   heard      a byte came within the last `suspicionMs`
 *   suspected  silent on every connection for `suspicionMs`: probes are sent, on a connection of their own
 *   dead       silent for `deadMs`, and a probe hangs for `probeTimeoutMs`, or the address leads to another primary
 *
 * A slow statement alone never condemns a server: it answers the probe. A probe that is refused proves nothing.
 * Neither does our own event loop when it stalls: time is measured while it runs, and a late tick judges nobody.
 */
import type { ResponsiveClock } from '../runtime/responsive-clock.ts';
import { PROBE } from '../wire/sql.ts';
import type { Connection } from './connection.ts';

export interface ServerWatchOptions {
  /** Silence that starts a probe, in milliseconds. */
  readonly suspicionMs: number;
  /** A probe counts as unanswered after this time, in milliseconds. */
  readonly probeTimeoutMs: number;
  /** Silence on all connections after which an unanswered probe condemns the server, in milliseconds. */
  readonly deadMs: number;
  /**
   * Whether a probe that reached another server counts as unanswered. True behind the master's address, where the
   * other one has taken over; false behind a replica's, where the others are equals.
   */
  readonly oneServerOnly: boolean;
}

export const SERVER_WATCH_DEFAULTS = {
  suspicionMs: 500,
  probeTimeoutMs: 900,
  deadMs: 1_450,
} satisfies Omit<ServerWatchOptions, 'oneServerOnly'>;

export interface ServerWatchHooks {
  /** Opens a connection to whatever stands now behind the address of that one. */
  probe(beside: Connection): Promise<Connection>;
  /** Whether connections are lent, so that a statement may be sent at any moment. */
  isBusy(): boolean;
  /** Whether nobody uses this connection, so that a probe may go over it. */
  isIdle(connection: Connection): boolean;
  /** Told once for each time in which answers are owed. */
  onSuspected(silentMs: number): void;
  /** @param peer - see {@link Connection.peer}. */
  onDead(peer: string, silentMs: number): void;
}

interface WatchedServer {
  /** With the bytes that had come on each when it was last looked at. */
  readonly connections: Map<Connection, number>;
  quietSince: number;
  suspected: boolean;
  probe: Probe | undefined;
}

interface Probe {
  readonly startedAt: number;
  /** The connection that was there already and is asked; undefined for a fresh one. */
  readonly over: Connection | undefined;
  /** Whether a fresh connection was begun beside it. */
  confirming: boolean;
  /** `hung`: given up without an answer. `elsewhere`: answered, by another server. `failed`: refused or broken. */
  state: 'waiting' | 'hung' | 'elsewhere' | 'failed';
}

/** A probe on a connection that was there already is confirmed by a fresh one after this time: it may be forgotten. */
const CONFIRM_MS = 400;
/** From one failed probe to the next. */
const PROBE_PAUSE_MS = 250;

export class ServerWatch {
  readonly #options: ServerWatchOptions;
  readonly #hooks: ServerWatchHooks;
  readonly #responsive: ResponsiveClock;
  readonly #servers = new Map<string, WatchedServer>();
  /** Kept from the first suspicion on. One only, so that probes stay within what is reserved for them. */
  #probeConnection: Connection | undefined;
  readonly #probesUnderWay = new Set<Promise<unknown>>();
  #closed = false;
  #stopTicking: (() => void) | undefined;

  constructor(options: ServerWatchOptions, hooks: ServerWatchHooks, responsive: ResponsiveClock) {
    this.#options = options;
    this.#hooks = hooks;
    this.#responsive = responsive;
  }

  /** Watches the connection's server from now on, until the connection is gone. */
  add(connection: Connection): void {
    const name = connection.peer;
    let server = this.#servers.get(name);
    if (server === undefined) {
      server = { connections: new Map(), quietSince: 0, suspected: false, probe: undefined };
      this.#servers.set(name, server);
    }
    server.connections.set(connection, 0);
    // It has just answered the sign-in.
    this.#heard(server);
    connection.wire.onGone(() => this.#remove(name, connection));
  }

  /** Must be called when a connection is lent: the watch sleeps while nobody asks anything. */
  wake(): void {
    if (this.#stopTicking !== undefined || this.#closed) return;
    // While it slept the clock may have run on for other endpoints: nobody was asked, so nobody was silent.
    for (const server of this.#servers.values()) this.#heard(server);
    this.#stopTicking = this.#responsive.onTick((punctual) => this.#tick(punctual));
  }

  /** Ends the watch and closes the probes' connections. */
  async close(): Promise<void> {
    this.#closed = true;
    const kept = this.#probeConnection?.wire.end();
    this.#sleep();
    await Promise.all([kept, ...this.#probesUnderWay]);
  }

  #remove(name: string, connection: Connection): void {
    const server = this.#servers.get(name);
    server?.connections.delete(connection);
    if (server?.connections.size === 0) this.#servers.delete(name);
    if (this.#probeConnection === connection) this.#probeConnection = undefined;
  }

  #sleep(): void {
    this.#stopTicking?.();
    this.#stopTicking = undefined;
    // Nobody watches it from now on: were it forgotten, it would vouch for a server that is gone.
    void this.#probeConnection?.wire.end();
    this.#probeConnection = undefined;
  }

  #tick(punctual: boolean): void {
    for (const [name, server] of this.#servers) this.#look(name, server, punctual);
    if (!this.#hooks.isBusy()) this.#sleep();
  }

  #look(name: string, server: WatchedServer, punctual: boolean): void {
    const connections = [...server.connections];
    const owesAnswer = connections.some(([connection]) => connection.wire.unanswered > 0);
    if (!owesAnswer) server.suspected = false;
    if (!owesAnswer || connections.some(([connection, seen]) => connection.wire.bytesRead !== seen)) {
      this.#heard(server);
      return;
    }
    const now = this.#responsive.now();
    const silentMs = now - server.quietSince;
    if (silentMs < this.#options.suspicionMs) return;
    if (!server.suspected) this.#hooks.onSuspected(silentMs);
    server.suspected = true;
    if (server.probe === undefined || this.#isSpent(server.probe, now))
      server.probe = this.#startProbe(name, server, now) ?? server.probe;
    this.#confirm(name, server, now);
    if (!punctual || silentMs < this.#options.deadMs) return;
    if (server.probe === undefined || !this.#condemns(server.probe, now)) return;
    this.#servers.delete(name);
    if (this.#probeConnection?.peer === name) {
      this.#probeConnection.wire.destroy(new Error('the server is dead'));
    }
    this.#hooks.onDead(name, silentMs);
  }

  #heard(server: WatchedServer): void {
    server.quietSince = this.#responsive.now();
    for (const connection of server.connections.keys()) {
      server.connections.set(connection, connection.wire.bytesRead);
    }
    server.probe = undefined;
  }

  #isSpent(probe: Probe, now: number): boolean {
    if (probe.state === 'waiting' || this.#condemns(probe, now)) return false;
    return now - probe.startedAt >= PROBE_PAUSE_MS;
  }

  #condemns(probe: Probe, now: number): boolean {
    if (probe.state === 'elsewhere') return this.#options.oneServerOnly;
    if (probe.state === 'waiting') return now - probe.startedAt >= this.#options.probeTimeoutMs;
    return probe.state === 'hung';
  }

  /**
   * On a connection to the very server that nobody uses: its silence there is proof. Else on a fresh one, whose
   * sign-in is the probe, and which may lead elsewhere. One of those at a time: a server that says a word now and then
   * would otherwise be asked over more and more connections.
   */
  #startProbe(name: string, server: WatchedServer, now: number): Probe | undefined {
    const unused = this.#unusedConnection(server);
    const probe: Probe = { startedAt: now, over: unused, confirming: false, state: 'waiting' };
    // An answer needs no handling: its bytes are heard.
    if (unused !== undefined) unused.wire.query({ text: PROBE }).catch(() => (probe.state = 'failed'));
    else if (this.#probesUnderWay.size > 0) return undefined;
    else {
      const underWay = this.#probeFresh(server)
        .then(
          (reached) => (probe.state = reached === name ? 'waiting' : 'elsewhere'),
          (error: { code?: unknown }) => (probe.state = error.code === 'ETIMEDOUT' ? 'hung' : 'failed'),
        )
        .finally(() => this.#probesUnderWay.delete(underWay));
      this.#probesUnderWay.add(underWay);
    }
    return probe;
  }

  /**
   * That a connection which was there already is silent may be its own fault: the network may have forgotten it. A
   * fresh one that reaches the same server shows that it lives.
   */
  #confirm(name: string, server: WatchedServer, now: number): void {
    const { probe } = server;
    if (probe?.over === undefined || probe.confirming || now - probe.startedAt < CONFIRM_MS) return;
    if (probe.state !== 'waiting' || this.#probesUnderWay.size > 0) return;
    probe.confirming = true;
    const { wire } = probe.over;
    const underWay = this.#probeFresh(server)
      .then(
        (reached) => {
          if (reached !== name || wire.unanswered === 0) return;
          wire.destroy(new Error('a connection was forgotten by the network'));
          this.#heard(server);
        },
        () => {},
      )
      .finally(() => this.#probesUnderWay.delete(underWay));
    this.#probesUnderWay.add(underWay);
  }

  #unusedConnection(server: WatchedServer): Connection | undefined {
    for (const connection of server.connections.keys()) {
      const isUnused = connection === this.#probeConnection || this.#hooks.isIdle(connection);
      if (isUnused && connection.wire.unanswered === 0) return connection;
    }
    return undefined;
  }

  /** @returns the server that was reached. */
  async #probeFresh({ connections }: WatchedServer): Promise<string> {
    const [beside] = connections.keys();
    if (beside === undefined) throw new Error('no connection is left');
    const connection = await this.#hooks.probe(beside);
    const name = connection.peer;
    if (!this.#closed && this.#servers.has(name) && this.#probeConnection === undefined) {
      connection.wire.keepProcessAlive(false);
      this.#probeConnection = connection;
      this.add(connection);
    } else {
      await connection.wire.end();
    }
    return name;
  }
}
