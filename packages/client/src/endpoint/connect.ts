/**
 * From an address to a connection that is worth using: TCP, TLS, sign-in, then the question who this is. An address
 * says what it should lead to; after a failover it leads to something else for a while (MetalLB and kube-proxy move
 * late), so the role is asked on every new connection and never concluded from the address.
 */
import { ConnectionRejectedError, UnsuitableServerError } from '../errors/connection-errors.ts';
import { classifyConnectFailure, codeOf } from '../policy/classify.ts';
import type { EndpointKind, ServerIdentity, Topology } from '../policy/topology.ts';
import type { Clock } from '../runtime/clock.ts';
import type { ResponsiveClock } from '../runtime/responsive-clock.ts';
import { IDENTIFY, hygieneTexts } from '../wire/sql.ts';
import type { IdentityRow } from '../wire/sql.ts';
import { WireLostError } from '../wire/wire.ts';
import type { OpenWire, PendingWire, TlsOptions, Wire, WireTarget } from '../wire/wire.ts';
import type { Connection } from './connection.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface ConnectOptions {
  readonly database: string;
  readonly user: string;
  readonly password: () => string | Promise<string>;
  readonly tls: TlsOptions | false;
  readonly applicationName: string;
  /** An attempt that has received no byte for this long is given up, in milliseconds of our own responsive time. */
  readonly connectSilenceMs: number;
  /** What the server itself does to a session of ours that went silent in a transaction: ends it after this time. */
  readonly idleInTransactionMs: number;
}

/** What the connects of one client share. */
export interface ConnectContext {
  readonly clock: Clock;
  readonly topology: Topology;
  readonly openWire: OpenWire;
  readonly responsive: ResponsiveClock;
  /** A primary was met on a timeline that had not been seen. */
  readonly onNewTimeline: (connection: Connection, address: string) => void;
}

/** Longer than any vault takes. */
const PASSWORD_LIMIT_MS = 10_000;

export class Connector {
  readonly #address: Address;
  readonly #kind: EndpointKind;
  readonly #options: ConnectOptions;
  readonly #topology: Topology;
  readonly #open: OpenWire;
  readonly #clock: Clock;
  readonly #responsive: ResponsiveClock;
  readonly #onNewTimeline: (connection: Connection, address: string) => void;
  readonly #underWay = new Set<PendingWire>();
  #closedBecause: Error | undefined;

  constructor(kind: EndpointKind, address: Address, options: ConnectOptions, shared: ConnectContext) {
    this.#kind = kind;
    this.#address = address;
    this.#options = options;
    this.#topology = shared.topology;
    this.#open = shared.openWire;
    this.#clock = shared.clock;
    this.#responsive = shared.responsive;
    this.#onNewTimeline = shared.onNewTimeline;
  }

  /**
   * Opens one connection and finds out who is there.
   *
   * @throws ConnectionRejectedError where trying again is pointless; UnsuitableServerError for the wrong server; the
   * socket's or server's own error otherwise.
   */
  async connect(): Promise<Connection> {
    const connection = await this.#identify(await this.#signIn());
    const judgement = this.#topology.judge(this.#kind, connection.identity);
    if (judgement.newTimeline) {
      this.#onNewTimeline(connection, `${this.#address.host}:${this.#address.port}`);
    }
    if (judgement.fit) return connection;
    const unsuitable = new UnsuitableServerError(`${this.#name()}: ${judgement.reason}`);
    // Not with a goodbye: while it waited for the answer the next ones would be opened beside it, over the limit.
    connection.wire.destroy(unsuitable);
    throw unsuitable;
  }

  /** Gives up what is under way, and opens nothing any more: a slow server must not hold up the end. */
  close(reason: Error): void {
    this.#closedBecause = reason;
    for (const pending of this.#underWay) pending.abandon(reason);
  }

  async #signIn(): Promise<Wire> {
    try {
      return await this.#attempt(await this.#password());
    } catch (error) {
      const failure = classifyConnectFailure(codeOf(error));
      if (failure === 'try-later') throw error;
      if (failure === 'rejected') throw this.#rejected(error);
    }
    // The password may have been rotated since it was read: once more, then it is the app's problem.
    try {
      return await this.#attempt(await this.#password());
    } catch (error) {
      throw classifyConnectFailure(codeOf(error)) === 'try-later' ? error : this.#rejected(error);
    }
  }

  /** Where a password comes from may hang as well, and must not hold the endpoint's attempts for good. */
  #password(): Promise<string> {
    return new Promise((resolve, reject) => {
      const limit = this.#clock.schedule(PASSWORD_LIMIT_MS, () =>
        reject(
          new Error(`${this.#name()}: the function 'password' gave no answer within ${PASSWORD_LIMIT_MS} ms`),
        ),
      );
      const asked = Promise.resolve().then(() => this.#options.password());
      void asked.then(resolve, reject).finally(() => limit.cancel());
    });
  }

  async #attempt(password: string): Promise<Wire> {
    if (this.#closedBecause !== undefined) throw this.#closedBecause;
    const { database, user, tls, applicationName } = this.#options;
    const target: WireTarget = { ...this.#address, database, user, password, tls, applicationName };
    const pending = this.#open(target);
    return this.#givenUpWhenSilent(pending, pending.ready);
  }

  async #identify(wire: Wire): Promise<Connection> {
    const statements = [IDENTIFY, ...hygieneTexts(this.#options.idleInTransactionMs)].map((text) => ({
      text,
    }));
    const pending: PendingWire = {
      ready: Promise.resolve(wire),
      get bytesRead() {
        return wire.bytesRead;
      },
      abandon: (reason) => wire.destroy(reason),
    };
    // Reported with the answer to any statement, hygiene included: later nobody would hear of it.
    let promoted = false;
    wire.onParameter((name, value) => (promoted ||= name === 'in_hot_standby' && value === 'off'));
    const [answer] = await this.#givenUpWhenSilent(pending, wire.flush(statements));
    if (answer === undefined || answer.status === 'rejected') {
      // Of a lost connection the reason says more than that it is lost.
      const reason: unknown = answer?.reason instanceof WireLostError ? answer.reason.cause : answer?.reason;
      wire.destroy(reason instanceof Error ? reason : new Error('no answer'));
      throw reason;
    }
    const row = answer.value.rows[0] as IdentityRow;
    if (row.standby && promoted) {
      void wire.end();
      throw new UnsuitableServerError(
        `${this.#name()}: the server behind it was promoted while it was asked`,
      );
    }
    const identity: ServerIdentity = {
      server: row.server,
      systemId: row.system_id,
      role: row.standby ? 'standby' : 'primary',
      timeline: row.timeline,
    };
    return { wire, identity, hasCommitSlots: row.has_commit_slots, backendStart: row.backend_start };
  }

  /** A frozen server accepts connections and says nothing: its kernel does that alone. */
  async #givenUpWhenSilent<T>(pending: PendingWire, answer: Promise<T>): Promise<T> {
    const { connectSilenceMs } = this.#options;
    this.#underWay.add(pending);
    let seenBytes = pending.bytesRead;
    let quietSince = this.#responsive.now();
    const stop = this.#responsive.onTick((punctual) => {
      if (pending.bytesRead !== seenBytes) {
        seenBytes = pending.bytesRead;
        quietSince = this.#responsive.now();
      } else if (punctual && this.#responsive.now() - quietSince >= connectSilenceMs) {
        pending.abandon(
          Object.assign(
            new Error(`${this.#name()}: no answer to the connection attempt within ${connectSilenceMs} ms`),
            {
              code: 'ETIMEDOUT',
            },
          ),
        );
      }
    });
    try {
      return await answer;
    } finally {
      this.#underWay.delete(pending);
      stop();
    }
  }

  #rejected(error: unknown): ConnectionRejectedError {
    const { user, database } = this.#options;
    const detail = error instanceof Error ? error.message : String(error);
    return new ConnectionRejectedError(
      `${this.#name()} refused user '${user}' on database '${database}': ${detail}${remedy(codeOf(error))}`,
      { cause: error },
    );
  }

  #name(): string {
    return `${this.#kind} (${this.#address.host}:${this.#address.port})`;
  }
}

function remedy(code: string | undefined): string {
  if (code === 'SCHOOLDB_TLS_NOT_OFFERED') return ". Set 'tls' to false, or turn ssl on at the server";
  if (code === '28000') return ". A server that insists on TLS says this too: see the option 'tls'";
  if (code?.startsWith('ERR_') || code?.includes('CERT') || code?.startsWith('UNABLE')) {
    return ". Give the certificate authority in 'tls.ca', and in 'tls.serverName' the name that the certificate holds";
  }
  return '';
}
