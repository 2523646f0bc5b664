/**
 * What one pool of the drop-in, or one client of its own, has underneath: the master endpoint with its failover-aware
 * connects, its watch over silent servers, its generations and its breaker. A client of the drop-in holds a lease of
 * the exclusive lane from `connect()` to its end; who gets a connection of those that are open is for pg-pool to say.
 */
import type { ClientConfig } from 'pg';
import { randomUUID } from 'node:crypto';
import type { Address } from '../../endpoint/address-order.ts';
import type { ClientEvents } from '../../endpoint/client-events.ts';
import type { Endpoint } from '../../endpoint/endpoint.ts';
import { Endpoints } from '../../endpoint/endpoints.ts';
import type { EndpointLease } from '../../endpoint/lease.ts';
import { ClientClosedError } from '../../errors/call-errors.ts';
import { ConnectionRejectedError } from '../../errors/connection-errors.ts';
import { Breakers } from '../../execution/breaker.ts';
import { RetryBudget } from '../../policy/budget.ts';
import { systemClock } from '../../runtime/clock.ts';
import { Deadline } from '../../runtime/deadline.ts';
import { publishEvent } from '../../runtime/diagnostics.ts';
import { Events } from '../../runtime/events.ts';
import { systemRandom } from '../../runtime/random.ts';
import { pgWireOpener } from '../../wire/pg-wire.ts';
import type { WireTarget } from '../../wire/wire.ts';

/** How long a caller waits for a primary where `connectionTimeoutMillis` says nothing, in milliseconds. */
export const PATIENCE_MS = 60_000;

/** Sockets beside those that a pool may hold: two for probes, two for attempts beside one that hangs. */
const SPARE_CONNECTIONS = 4;
/** Far more than pg-pool ever lets connect at a time. */
const MAX_WAITING = 100_000;
/** Of a connection that nobody waited for in the end. */
const IDLE_MS = 10_000;
/** An attempt that hears nothing for this long is given up. Some ways to sign in take a server more than a second. */
const CONNECT_SILENCE_MS = 2_000;

/** As pg has read it from options, connection string and environment. */
export interface Signature {
  readonly user: string;
  readonly database: string;
  readonly addresses: readonly Address[];
}

type Password = ClientConfig['password'] | null;

export class Master {
  readonly budget = new RetryBudget(systemClock.now());
  readonly #endpoints: Endpoints;
  readonly #breakers: Breakers;
  #successes = 0;
  /** Kept by events: it is asked for each statement. */
  #isDown = false;

  /**
   * @param maxConnections - that are to be open at the same time.
   * @param configOf - what pg is to connect with; asked for each connection, so that it may change.
   * @param onDown - nothing can be connected from now on, for a while.
   */
  constructor(
    signature: Signature,
    maxConnections: number,
    configOf: () => ClientConfig,
    onDown: () => void = () => {},
  ) {
    const events = new Events<ClientEvents>(publishEvent);
    events.on('endpoint:down', () => {
      this.#isDown = true;
      onDown();
    });
    events.on('endpoint:up', () => (this.#isDown = false));
    const context = { clock: systemClock, random: systemRandom, events };
    this.#endpoints = new Endpoints(
      { master: signature.addresses },
      {
        ...signature,
        password: () => askPassword(configOf()),
        // Both are in what pg is given.
        tls: false,
        applicationName: '',
        connectSilenceMs: CONNECT_SILENCE_MS,
        idleInTransactionMs: false,
        maxConnections: maxConnections + SPARE_CONNECTIONS,
        maxWaiting: MAX_WAITING,
        idleTimeoutMs: IDLE_MS,
        maxLifetimeMs: Infinity,
      },
      events,
      { ...context, newId: randomUUID, openWire: pgWireOpener((target) => configFor(target, configOf())) },
    );
    this.#breakers = new Breakers(this.#endpoints.all, context);
  }

  /** Whether nothing can be connected at the moment. */
  get isDown(): boolean {
    return this.#isDown;
  }

  /**
   * A connection to the primary, tried for until there is one.
   *
   * @throws what pg throws: the last failure, when the time is up; at once where trying again is pointless.
   */
  async open(patienceMs: number, givenUp: AbortSignal): Promise<EndpointLease> {
    const deadline = new Deadline(systemClock, patienceMs, [givenUp]);
    try {
      return await this.#master.acquire(deadline);
    } catch (error) {
      throw givenUp.aborted ? givenUp.reason : asOfPg(error);
    } finally {
      deadline.done();
    }
  }

  /** A statement was answered. Written down when it matters: the breaker's own counting costs too much for each. */
  succeeded(): void {
    this.#successes += 1;
    this.budget.succeeded();
  }

  /** A connection broke under a statement. */
  lost(cause: Error): void {
    const { kind } = this.#master;
    for (let told = Math.min(this.#successes, MOST_TOLD); told > 0; told -= 1)
      this.#breakers.record(kind, undefined);
    this.#successes = 0;
    this.#breakers.record(kind, cause);
  }

  /** Closes what is open beside the clients, which have come to their ends before. */
  async close(): Promise<void> {
    this.#breakers.close();
    await this.#endpoints.close();
  }

  get #master(): Endpoint {
    return this.#endpoints.master;
  }
}

/** As many as keep a breaker closed that counts the losses of a whole pool. */
const MOST_TOLD = 200;

function configFor(target: WireTarget, config: ClientConfig): ClientConfig {
  const { host, port, password } = target;
  return {
    ...config,
    host,
    port,
    keepAlive: config.keepAlive ?? true,
    // Asked for before, with a limit, and again when it was refused. Whatever is no function pg knows what to do with.
    ...(typeof config.password === 'function' ? { password: () => password } : {}),
  };
}

async function askPassword(config: ClientConfig): Promise<string> {
  const { password } = config as { password?: Password };
  if (typeof password !== 'function') return '';
  const given: unknown = await (password as (config: ClientConfig) => unknown)(config);
  if (typeof given === 'string') return given;
  throw Object.assign(new TypeError('Password must be a string'), { code: 'SCHOOLDB_PASSWORD_MISSING' });
}

function asOfPg(error: unknown): Error {
  if (error instanceof ConnectionRejectedError && error.cause instanceof Error) return error.cause;
  if (error instanceof ClientClosedError) return new Error('Connection terminated', { cause: error });
  const { cause } = error as Error;
  return cause instanceof Error ? cause : new Error('timeout expired', { cause: error });
}
