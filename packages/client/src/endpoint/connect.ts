/**
 * From an address to a connection that is worth using: TCP, TLS, sign-in, then the question who this is. An address
 * says what it should lead to; after a failover it leads to something else for a while (MetalLB and kube-proxy move
 * late), so the role is asked on every new connection and never concluded from the address.
 */
import { ConnectionRejectedError, UnsuitableServerError } from '../errors/connection-errors.ts';
import { codeOf, failureOf, judgeFailure } from '../policy/classify.ts';
import { roleWanted } from '../policy/topology.ts';
import type { EndpointKind, ServerIdentity, Topology } from '../policy/topology.ts';
import type { Clock } from '../runtime/clock.ts';
import type { ResponsiveClock } from '../runtime/responsive-clock.ts';
import { IDENTIFY, hygieneTexts } from '../wire/sql.ts';
import type { IdentityRow } from '../wire/sql.ts';
import { WireLostError } from '../wire/wire.ts';
import type { OpenWire, PendingWire, TlsOptions, Wire, WireTarget } from '../wire/wire.ts';
import type { Address } from './address-order.ts';
import { AddressOrder, addressText } from './address-order.ts';
import type { Connection } from './connection.ts';
import type { HedgedAttempt } from './hedge.ts';
import { hedged } from './hedge.ts';
import { Replayed } from './replayed.ts';

export interface ConnectOptions {
  readonly database: string;
  readonly user: string;
  /** Asked on each attempt. */
  readonly password: (address: Address) => string | Promise<string>;
  readonly tls: TlsOptions | false;
  readonly startupOptions?: string | undefined;
  readonly applicationName: string;
  /** An attempt that has received no byte for this long is given up, in milliseconds of our own responsive time. */
  readonly connectSilenceMs: number;
  /**
   * What the server itself does to a session of ours that went silent in a transaction: ends it after this time.
   * `false` leaves it to the server's own setting.
   */
  readonly idleInTransactionMs: number | false;
}

/** What the connects of one client share. */
export interface ConnectContext {
  readonly clock: Clock;
  readonly topology: Topology;
  readonly openWire: OpenWire;
  readonly responsive: ResponsiveClock;
  /** A connection has told something that was not known of the cluster. */
  readonly onNews: (news: 'timeline' | 'cluster', connection: Connection, address: string) => void;
  /** A primary was refused because another server, to which connections are open, has the same claim. */
  readonly onRival: (claimant: ServerIdentity, rival: string) => void;
}

export interface ConnectDemand {
  isWanted(): boolean;
  onFailed(error: unknown): void;
  /** A socket is gone: there is room for another. */
  onRoom(): void;
}

/** Longer than any vault takes. */
const PASSWORD_LIMIT_MS = 10_000;
/** Open and opening at a time: one that is kept, and one that looks where the address leads. */
export const MAX_PROBES = 2;
/** At most three at a time, a quarter of a second apart: of two servers behind an address, one dead, one is soon found. */
const HEDGE = { staggerMs: 250, atMost: 3 };

export class Connector {
  readonly #addresses: AddressOrder;
  readonly #kind: EndpointKind;
  readonly #options: ConnectOptions;
  readonly #shared: ConnectContext;
  readonly #maxSockets: number;
  readonly #underWay = new Set<AbortController>();
  #sockets = 0;
  #probes = 0;
  /** Those of probes that are open. */
  readonly #probing = new Set<Wire>();
  #closedBecause: Error | undefined;

  /** @param maxSockets - sockets open and opening, at most, beside those of {@link probe}. */
  constructor(
    kind: EndpointKind,
    addresses: readonly Address[],
    maxSockets: number,
    options: ConnectOptions,
    shared: ConnectContext,
  ) {
    this.#kind = kind;
    // Of several standbys each may serve; there is one primary.
    this.#addresses = new AddressOrder(addresses, roleWanted(kind) === 'standby');
    this.#maxSockets = maxSockets;
    this.#options = options;
    this.#shared = shared;
  }

  /** Whether another socket may be opened. */
  get hasRoom(): boolean {
    return this.#sockets < this.#maxSockets;
  }

  /**
   * Opens one connection and finds out who is there; tries again beside attempts that hang.
   *
   * @param demand - whether anybody still wants it, and who hears of attempts that failed beside others.
   * @throws ConnectionRejectedError where trying again is pointless; UnsuitableServerError for the wrong server; the
   * socket's or server's own error otherwise.
   */
  connect(demand: ConnectDemand): Promise<Connection> {
    const hooks = {
      start: () => this.#beginCounted(demand),
      mayFollow: () => this.hasRoom && demand.isWanted(),
      onFailed: (error: unknown) => demand.onFailed(error),
    };
    return hedged(hooks, HEDGE, this.#shared.clock);
  }

  /**
   * One attempt, outside of what {@link hasRoom} counts. Rejects where as many probes are open as there may be.
   *
   * @param addresses - where to: the first that leads to what is wanted.
   */
  async probe(addresses: readonly Address[]): Promise<Connection> {
    if (this.#probes >= MAX_PROBES) throw new Error(`${this.#kind}: ${MAX_PROBES} probes are open already`);
    this.#probes += 1;
    const closed = () => (this.#probes -= 1);
    const { result } = this.#begin(addresses);
    result.then(({ wire }) => {
      this.#probing.add(wire);
      wire.onGone(() => {
        this.#probing.delete(wire);
        closed();
      });
    }, closed);
    return result;
  }

  /**
   * Gives up what is under way, and opens nothing any more: a slow server must not hold up the end. Resolves when the
   * connections of probes are closed, whatever they were asking.
   */
  async close(reason: Error): Promise<void> {
    this.#closedBecause = reason;
    for (const given of this.#underWay) given.abort(reason);
    await Promise.all([...this.#probing].map((wire) => wire.end()));
  }

  #beginCounted(demand: ConnectDemand): HedgedAttempt<Connection> {
    // Before it has a socket: another attempt may be begun in the same moment.
    this.#sockets += 1;
    const closed = () => {
      this.#sockets -= 1;
      demand.onRoom();
    };
    const attempt = this.#begin();
    attempt.result.then(({ wire }) => wire.onGone(closed), closed);
    return attempt;
  }

  #begin(addresses = this.#addresses.inTurn(this.#underWay.size)): HedgedAttempt<Connection> {
    const given = new AbortController();
    if (this.#closedBecause !== undefined) given.abort(this.#closedBecause);
    this.#underWay.add(given);
    const result = this.#attemptInTurn(addresses, given.signal).finally(() => this.#underWay.delete(given));
    return {
      result,
      abandon() {
        given.abort(new Error('another attempt was faster'));
        // It may have succeeded in the same moment.
        const { reason } = given.signal as { reason: Error };
        result.then(
          ({ wire }) => wire.destroy(reason),
          () => {},
        );
      },
    };
  }

  /** The first that leads to what is wanted. @throws the failure of the last. */
  async #attemptInTurn(addresses: readonly Address[], abandoned: AbortSignal): Promise<Connection> {
    for (const [index, address] of addresses.entries()) {
      try {
        const connection = await this.#attempt(address, abandoned);
        this.#addresses.succeeded(address);
        return connection;
      } catch (error) {
        this.#addresses.failed(address);
        if (abandoned.aborted || index === addresses.length - 1) throw error;
      }
    }
    throw new Error('an endpoint without an address');
  }

  async #attempt(address: Address, abandoned: AbortSignal): Promise<Connection> {
    const { clock, topology, onNews, onRival } = this.#shared;
    const wire = await this.#signIn(address, abandoned);
    const connection = await this.#identify(wire, address, abandoned);
    const { identity } = connection;
    const judgement = topology.judge(this.#kind, identity, clock.now());
    // A connection to a pooler outlives the server behind it, and is no proof that it lives.
    if (judgement.fit && !connection.pooled) wire.onGone(topology.opened(identity));
    if (judgement.news !== undefined) {
      onNews(judgement.news, connection, addressText(address));
    }
    if (judgement.fit) return connection;
    const unsuitable = new UnsuitableServerError(`${this.#name(address)}: ${judgement.reason}`);
    // Not with a goodbye: while it waited for the answer the next ones would be opened beside it, over the limit.
    wire.destroy(unsuitable);
    if (judgement.rival !== undefined) onRival(identity, judgement.rival);
    throw unsuitable;
  }

  async #signIn(address: Address, abandoned: AbortSignal): Promise<Wire> {
    try {
      return await this.#open(address, abandoned);
    } catch (error) {
      const { action } = judgeFailure(failureOf(error), 'not-sent', 'read');
      if (action === 'pass') throw this.#rejected(address, error);
      if (action !== 'read-password') throw error;
    }
    // The password may have been rotated since it was read: once more, then it is the app's problem.
    try {
      return await this.#open(address, abandoned);
    } catch (error) {
      const { action } = judgeFailure(failureOf(error), 'not-sent', 'read');
      throw action === 'pass' || action === 'read-password' ? this.#rejected(address, error) : error;
    }
  }

  async #open(address: Address, abandoned: AbortSignal): Promise<Wire> {
    const password = await this.#password(address, abandoned);
    abandoned.throwIfAborted();
    const { database, user, tls, applicationName, startupOptions } = this.#options;
    const login = { database, user, password };
    const target: WireTarget = { ...address, ...login, tls, applicationName, startupOptions };
    const pending = this.#shared.openWire(target);
    return this.#watched(pending, pending.ready, address, abandoned);
  }

  /** Where a password comes from may hang as well, and must not hold the endpoint's attempts for good. */
  #password(address: Address, abandoned: AbortSignal): Promise<string> {
    return new Promise((resolve, reject) => {
      const abandon = () => reject(abandoned.reason as Error);
      abandoned.addEventListener('abort', abandon);
      const limit = this.#shared.clock.schedule(PASSWORD_LIMIT_MS, () =>
        reject(
          new Error(
            `${this.#name(address)}: the function 'password' gave no answer within ${PASSWORD_LIMIT_MS} ms`,
          ),
        ),
      );
      const asked = Promise.resolve().then(() => this.#options.password(address));
      void asked.then(resolve, reject).finally(() => {
        limit.cancel();
        abandoned.removeEventListener('abort', abandon);
      });
    });
  }

  async #identify(wire: Wire, address: Address, abandoned: AbortSignal): Promise<Connection> {
    const pooled = this.#kind === 'masterPooler' || this.#kind === 'replicaPooler';
    const hygiene = pooled ? [] : hygieneTexts(this.#options.idleInTransactionMs);
    const statements = [IDENTIFY, ...hygiene].map((text) => ({ text }));
    const pending: PendingWire = {
      ready: Promise.resolve(wire),
      get bytesRead() {
        return wire.bytesRead;
      },
      abandon: (reason) => wire.destroy(reason),
    };
    // Reported with the answer to any of them; later nobody would hear of it.
    let promoted = false;
    wire.onParameter((name, value) => (promoted ||= name === 'in_hot_standby' && value === 'off'));
    const [answer] = await this.#watched(pending, wire.flush(statements), address, abandoned);
    if (answer === undefined || answer.status === 'rejected') {
      // Of a lost connection the reason says more than that it is lost.
      const reason: unknown = answer?.reason instanceof WireLostError ? answer.reason.cause : answer?.reason;
      wire.destroy(reason instanceof Error ? reason : new Error('no answer'));
      throw reason;
    }
    const row = answer.value.rows[0] as IdentityRow;
    if (row.standby && promoted && !pooled) {
      const unsuitable = new UnsuitableServerError(
        `${this.#name(address)}: the server behind it was promoted while it was asked`,
      );
      wire.destroy(unsuitable);
      throw unsuitable;
    }
    const identity: ServerIdentity = {
      server: row.server,
      systemId: row.system_id,
      role: row.standby ? 'standby' : 'primary',
      timeline: row.timeline,
    };
    return {
      wire,
      address,
      identity,
      pooled,
      peer: pooled ? this.#name(address) : identity.server,
      hasCommitSlots: row.has_commit_slots,
      hasLineage: row.has_lineage,
      replayed: new Replayed(),
      backendStart: row.backend_start,
      serverEpoch: row.server_time - this.#shared.clock.now() / 1_000,
    };
  }

  /**
   * Gives up what was abandoned, and what hangs: a frozen server accepts connections and says nothing, its kernel
   * does that alone.
   */
  async #watched<T>(
    pending: PendingWire,
    answer: Promise<T>,
    address: Address,
    abandoned: AbortSignal,
  ): Promise<T> {
    const { responsive } = this.#shared;
    const { connectSilenceMs } = this.#options;
    let seenBytes = pending.bytesRead;
    let quietSince = responsive.now();
    const stop = responsive.onTick((punctual) => {
      if (pending.bytesRead !== seenBytes) {
        seenBytes = pending.bytesRead;
        quietSince = responsive.now();
      } else if (punctual && responsive.now() - quietSince >= connectSilenceMs) {
        const text = `${this.#name(address)}: no answer to the connection attempt within ${connectSilenceMs} ms`;
        pending.abandon(Object.assign(new Error(text), { code: 'ETIMEDOUT' }));
      }
    });
    const abandon = () => pending.abandon(abandoned.reason as Error);
    abandoned.addEventListener('abort', abandon);
    try {
      return await answer;
    } finally {
      stop();
      abandoned.removeEventListener('abort', abandon);
    }
  }

  #rejected(address: Address, error: unknown): ConnectionRejectedError {
    const { user, database } = this.#options;
    const detail = error instanceof Error ? error.message : String(error);
    return new ConnectionRejectedError(
      `${this.#name(address)} refused user '${user}' on database '${database}': ${detail}${remedy(codeOf(error))}`,
      { cause: error },
    );
  }

  #name(address: Address): string {
    return `${this.#kind} (${addressText(address)})`;
  }
}

function remedy(code: string | undefined): string {
  if (code === 'SCHOOLDB_TLS_NOT_OFFERED') return ". Set 'tls' to false, or turn ssl on at the server";
  if (code === '28000') return ". A server that insists on TLS says this too: see the option 'tls'";
  if (code?.startsWith('ERR_') || code?.includes('CERT') || code?.startsWith('UNABLE')) {
    return ". Give the certificate authority in 'tls.ca' (or SCHOOLDB_TLS_CA_FILE, or sslrootcert), and in 'tls.serverName' the name that the certificate holds";
  }
  return '';
}
