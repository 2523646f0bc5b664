/**
 * A circuit breaker for each endpoint. The lanes themselves deal with an address to which nothing can be connected;
 * a breaker sees what they can't: connections can be made, and break as soon as they are used (a proxy with a dead
 * backend, a server in a crash loop). Only broken connections count, never an SQL error.
 *
 *   closed     attempts are made and counted
 *   open       nothing is lent: reads go to another endpoint, writes wait, within their deadlines
 *   half-open  after a pause a probe is sent; a good one closes the breaker, another opens it again for longer
 *
 * The usual settings would outlast most failovers: the first pause is short, so that a good probe closes early.
 */
import CircuitBreaker from 'opossum';
import type { Endpoint } from '../endpoint/endpoint.ts';
import type { ClientEvents } from '../endpoint/client-events.ts';
import { ConnectionLostError } from '../errors/connection-errors.ts';
import { backoffMs } from '../policy/backoff.ts';
import type { EndpointKind } from '../policy/topology.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Events } from '../runtime/events.ts';
import type { Random } from '../runtime/random.ts';

export const BREAKER_DEFAULTS = {
  /** Attempts within the window below which it stays closed: more than one dying server breaks at once. */
  volumeThreshold: 20,
  /** Share of broken attempts within the window that opens it. */
  errorThresholdPercentage: 50,
  windowMs: 5_000,
  /** The pause before a probe, growing from opening to opening. */
  pause: { baseMs: 50, capMs: 1_000 },
  /** Closed for this long, the next pause is the first again. */
  calmMs: 10_000,
};

const BUCKETS = 5;

/** The part of an endpoint that a breaker works on. */
export type Breakable = Pick<Endpoint, 'kind' | 'suspend' | 'resume' | 'probe'>;

export interface BreakerContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly events: Events<ClientEvents>;
}

export class Breaker {
  readonly #endpoint: Breakable;
  readonly #context: BreakerContext;
  readonly #breaker: CircuitBreaker<[run: () => Promise<void>], void>;
  /** opossum reads it each time it opens. */
  readonly #settings: CircuitBreaker.Options;
  #lastCause: Error | undefined;
  #openings = 0;
  #closedAt = -Infinity;

  constructor(endpoint: Breakable, context: BreakerContext) {
    this.#endpoint = endpoint;
    this.#context = context;
    this.#settings = {
      name: endpoint.kind,
      // The operations have deadlines of their own.
      timeout: false,
      volumeThreshold: BREAKER_DEFAULTS.volumeThreshold,
      errorThresholdPercentage: BREAKER_DEFAULTS.errorThresholdPercentage,
      rollingCountTimeout: BREAKER_DEFAULTS.windowMs,
      rollingCountBuckets: BUCKETS,
      rollingPercentilesEnabled: false,
      enableSnapshots: false,
    };
    this.#breaker = new CircuitBreaker((run: () => Promise<void>) => run(), this.#settings);
    this.#breaker.on('open', () => this.#opened());
    this.#breaker.on('halfOpen', () => this.#probe());
    this.#breaker.on('close', () => this.#closed());
  }

  /** An attempt has ended. @param lost - why its connection broke under it; undefined where it did not. */
  record(lost: Error | undefined): void {
    // What was lent before it opened may still come back.
    if (!this.#breaker.closed) return;
    this.#lastCause = lost ?? this.#lastCause;
    this.#settings.resetTimeout = this.#pauseMs();
    this.#breaker.fire(() => (lost === undefined ? Promise.resolve() : Promise.reject(lost))).catch(() => {});
  }

  close(): void {
    this.#breaker.shutdown();
  }

  #opened(): void {
    this.#openings += 1;
    const detail = this.#lastCause?.message ?? 'unknown';
    const reason = `connections to ${this.#endpoint.kind} keep breaking: ${detail}`;
    // Open again after a probe that failed: that is no news.
    if (this.#openings === 1 || this.#closedAt > -Infinity) {
      this.#context.events.emit('breaker:opened', { endpoint: this.#endpoint.kind, reason });
    }
    this.#closedAt = -Infinity;
    this.#endpoint.suspend(new ConnectionLostError(reason, 'not-executed', { cause: this.#lastCause }));
  }

  #probe(): void {
    this.#settings.resetTimeout = this.#pauseMs();
    this.#breaker.fire(() => this.#endpoint.probe()).catch((error: Error) => (this.#lastCause = error));
  }

  #closed(): void {
    this.#closedAt = this.#context.clock.now();
    this.#context.events.emit('breaker:closed', { endpoint: this.#endpoint.kind });
    this.#endpoint.resume();
  }

  #pauseMs(): number {
    const { pause, calmMs } = BREAKER_DEFAULTS;
    const { clock, random } = this.#context;
    if (this.#closedAt > -Infinity && clock.now() - this.#closedAt >= calmMs) this.#openings = 0;
    return backoffMs(this.#openings + 1, pause, random);
  }
}

/** The breakers of one client. */
export class Breakers {
  readonly #breakers: ReadonlyMap<EndpointKind, Breaker>;

  constructor(endpoints: readonly Breakable[], context: BreakerContext) {
    this.#breakers = new Map(endpoints.map((each) => [each.kind, new Breaker(each, context)]));
  }

  record(endpoint: EndpointKind, lost: Error | undefined): void {
    this.#breakers.get(endpoint)?.record(lost);
  }

  close(): void {
    for (const breaker of this.#breakers.values()) breaker.close();
  }
}
