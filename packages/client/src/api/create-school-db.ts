import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
/** @ts-ignore -- an app that does without Kysely need not have its types either */
import type { Kysely } from 'kysely';
import type { QueryResult, QueryResultRow } from 'pg';
import { ClientClosedError } from '../errors/call-errors.ts';
import { Endpoints } from '../endpoint/endpoints.ts';
import type { Runtime } from '../endpoint/endpoints.ts';
import type { EndpointHealth } from '../endpoint/endpoint.ts';
import { CommitSlots } from '../execution/commit-slots.ts';
import type { StatementResult } from '../execution/in-transaction-attempt.ts';
import type { Execution } from '../execution/execution.ts';
import { Breakers } from '../execution/breaker.ts';
import type { Operation } from '../execution/operation.ts';
import { settleLater } from '../execution/settle-later.ts';
import type { CopyResult, CopySource } from '../execution/copy.ts';
import type { Transaction } from '../execution/transaction-scope.ts';
import { RetryBudget } from '../policy/budget.ts';
import { Laggards } from '../policy/laggards.ts';
import { Consistency } from '../router/consistency.ts';
import type { Notification } from '../wire/wire.ts';
import { Routes } from '../router/route.ts';
import { readSessionToken } from '../router/session-token.ts';
import type { ClientEvents } from '../endpoint/client-events.ts';
import { publishEvent } from '../runtime/diagnostics.ts';
import { systemClock } from '../runtime/clock.ts';
import { Events } from '../runtime/events.ts';
import type { Listener } from '../runtime/events.ts';
import { systemRandom } from '../runtime/random.ts';
import { openLazyPgWire } from '../wire/lazy-pg-wire.ts';
import { checkCallOptions, checkStreamOptions } from './call-options.ts';
import type {
  AdvisoryLockOptions,
  CallOptions,
  CopyFromOptions,
  CopyToOptions,
  StatementOptions,
  StreamOptions,
  TransactionOptions,
} from './call-options.ts';
import { checkOneOf } from './option-checks.ts';
import { kyselyAccess } from './kysely/access.ts';
import type { KyselyAccess } from './kysely/access.ts';
import { dialectOn } from './kysely/dialect.ts';
import { requireKysely } from './kysely/require-kysely.ts';
import { Leases } from './leases.ts';
import type { UseConnection } from './leases.ts';
import type { ListenOptions, Subscription } from './listen.ts';
import { Operations } from './operations.ts';
import type { SchoolDbOptions } from './options.ts';
import type { ResolvedOptions } from './resolve-options.ts';
import { resolveOptions } from './resolve-options.ts';
import { Session } from './session.ts';

/** What {@link SchoolDb.health} returns: a snapshot, taken without asking any server. */
export interface Health {
  /** `up` unless the master is known to be unreachable; `unknown` before the first operation. */
  readonly state: 'up' | 'down' | 'unknown' | 'closed';
  readonly endpoints: {
    readonly master: EndpointHealth;
    readonly replica: EndpointHealth | null;
    readonly masterPooler: EndpointHealth | null;
    readonly replicaPooler: EndpointHealth | null;
  };
  readonly cluster: {
    /** PostgreSQL's system identifier; null until a primary was met. */
    readonly systemId: string | null;
    readonly timeline: number | null;
    /** Why the last primary that was met is not used. */
    readonly refused: string | null;
  };
  /** Operations that have no answer yet. */
  readonly running: number;
}

/**
 * What the type of a client knows of the database where nobody has told: anything, so that every `SchoolDb<Schema>` may
 * be given where a `SchoolDb` is asked for.
 */
// oxlint-disable-next-line typescript/no-explicit-any -- Kysely's own word for a schema that is not known
export type AnySchema = any;

/**
 * Makes a client. Nothing is connected yet: the first operation does that.
 *
 * @typeParam Schema - the tables and their columns, as Kysely wants them, for {@link SchoolDb.kysely}.
 * @param options - or a connection string. What it leaves out comes from the variables `SCHOOLDB_…`, `DATABASE_URL` and
 * `PG…`, which may say everything.
 * @param environment - where those are read from. For programs that connect for somebody else: `{}` reads none.
 * @defaultValue process.env
 * @throws InvalidOptionsError that names the option or variable, what was given and what is allowed.
 */
export function createSchoolDb<Schema = AnySchema>(
  options: SchoolDbOptions | string = {},
  environment: Readonly<Record<string, string | undefined>> = process.env,
): SchoolDb<Schema> {
  return new SchoolDb<Schema>(resolveOptions(options, environment), {
    clock: systemClock,
    random: systemRandom,
    openWire: openLazyPgWire,
    newId: randomUUID,
  });
}

/** One app's access to the database; made by {@link createSchoolDb}, once per process. */
export class SchoolDb<Schema = AnySchema> implements AsyncDisposable {
  readonly #options: ResolvedOptions;
  readonly #execution: Execution;
  readonly #events = new Events<ClientEvents>(publishEvent);
  #running = 0;
  #idle: (() => void) | undefined;
  #closing: Promise<void> | undefined;
  /** Aborted when close() has waited long enough. */
  readonly #evicted = new AbortController();
  readonly #leases: Leases;
  readonly #consistency: Consistency;
  readonly #operations: Operations;
  readonly #routes: Routes;
  #kysely: Kysely<Schema> | undefined;

  /** Not for apps: {@link createSchoolDb} puts the real clock and the real wire here, tests their own. */
  constructor(options: ResolvedOptions, runtime: Runtime) {
    this.#options = options;
    setMaxListeners(0, this.#evicted.signal);
    const endpoints = new Endpoints(
      options,
      // The server ends a transaction of ours that stays silent for longer than any caller waits.
      { ...options, idleInTransactionMs: options.deadlineMs + 10_000 },
      this.#events,
      runtime,
    );
    const { clock, random } = runtime;
    const context = { clock, random, events: this.#events };
    this.#execution = {
      ...context,
      endpoints,
      database: options.database,
      slots: new CommitSlots(runtime.newId),
      breakers: new Breakers(endpoints.all, context),
      budget: new RetryBudget(clock.now()),
      laggards: new Laggards(),
    };
    const routes = new Routes(endpoints, options);
    this.#routes = routes;
    this.#consistency = new Consistency(options, endpoints, routes, clock);
    const parts = { execution: this.#execution, routes, consistency: this.#consistency };
    this.#operations = new Operations(parts, options, (name, limits, work) =>
      this.#whileOpen(name, limits, work),
    );
    this.#leases = new Leases({
      execution: this.#execution,
      deadlineMs: options.deadlineMs,
      maxConnections: options.maxConnections,
      traits: (text) => this.#operations.traits(text),
      onWrote: () => this.#consistency.ofClient.expect('write')?.(undefined),
      mustReadPrimary: () => this.#consistency.ofClient.demand(undefined) !== 'nothing',
      onRefused: (text) => this.#operations.learnWrite(text),
      whileOpen: (name, limits, work) => this.#whileOpen(name, limits, work),
    });
  }

  /**
   * Runs one statement where it belongs: a SELECT that has no effect on a replica (see the options `consistency` and
   * `safeFunctions`), everything else on the primary. What has effects is not repeated when the connection breaks
   * under it, unless `safety` or `exactlyOnce` allow for that.
   *
   * @throws SQL errors as they are; {@link SchoolDbError}s, whose `outcome` says whether it may have happened.
   */
  async query<Row extends QueryResultRow = QueryResultRow>(
    text: string,
    values?: readonly unknown[],
    options: StatementOptions = {},
  ): Promise<StatementResult<Row>> {
    return this.#operations.query(this.#consistency.ofClient, text, values, options);
  }

  /**
   * Runs one statement that has no effect, on a replica where there is one that may serve it. What it sees may be a
   * little older than what the primary holds, though never than the option `consistency` says. Repeated, there or on
   * the primary, when the connection breaks under it.
   */
  async read<Row extends QueryResultRow = QueryResultRow>(
    text: string,
    values?: readonly unknown[],
    options: CallOptions = {},
  ): Promise<QueryResult<Row>> {
    return this.#operations.read(this.#consistency.ofClient, text, values, options);
  }

  /** Runs one statement on the primary, whatever it is. Else like {@link query}. */
  async write<Row extends QueryResultRow = QueryResultRow>(
    text: string,
    values?: readonly unknown[],
    options: StatementOptions = {},
  ): Promise<StatementResult<Row>> {
    return this.#operations.write(this.#consistency.ofClient, text, values, options);
  }

  /**
   * Runs `callback` in a transaction on the primary; commits when it returns, rolls back when it throws.
   *
   * It is run again, from its beginning, when the connection breaks before COMMIT was sent, and after a serialization
   * failure or a deadlock: let it have no effects outside the transaction. Where the schema `schooldb` is installed
   * it commits exactly once, also when the answer to COMMIT is lost.
   *
   * @returns what the callback returned.
   * @throws what the callback threw; {@link SchoolDbError}s, whose `outcome` says whether it may have committed.
   */
  async transaction<T>(
    callback: (transaction: Transaction) => Promise<T>,
    options: TransactionOptions = {},
  ): Promise<T> {
    return this.#operations.transaction(this.#consistency.ofClient, callback, options);
  }

  /**
   * A session: its reads see what it has written, and never anything older than what it has read. Costs nothing.
   *
   * @param token - what {@link Session.token} said in an earlier request, here or in another process. One that is
   * damaged, forged or of another cluster is ignored; after a failover the first read goes to the primary.
   */
  session(token?: string): Session {
    const watermark = readSessionToken(token);
    return new Session(this.#operations, watermark, this.#consistency.ofSession(watermark));
  }

  /**
   * Kysely on this client, routed by its syntax tree: a SELECT that has no effect goes where {@link read} goes,
   * everything else to the primary, and a transaction stays on one connection there. Its callback is run once; where
   * the schema `schooldb` is installed a lost COMMIT is asked about. Kysely is loaded when this is used first. Its
   * `destroy()` closes nothing.
   *
   * @throws InvalidOptionsError where the package `kysely` is not installed.
   */
  get kysely(): Kysely<Schema> {
    if (this.#kysely === undefined) {
      const parts = requireKysely();
      const access = this[kyselyAccess]();
      this.#kysely = new parts.Kysely<Schema>({ dialect: dialectOn(access, parts, access.deadlineMs) });
    }
    return this.#kysely;
  }

  /** Not for apps: `SchoolDbDialect` works with it. */
  [kyselyAccess](): KyselyAccess {
    const { deadlineMs, safeFunctions } = this.#options;
    const causality = this.#consistency.ofClient;
    return {
      execution: this.#execution,
      deadlineMs,
      safeFunctions,
      causality,
      toPrimary: this.#routes.toPrimary,
      whileOpen: (name, limits, work) => this.#whileOpen(name, limits, work),
      traits: (text) => this.#operations.traits(text),
      wasRefused: (text) => this.#operations.wasRefused(text),
      read: ({ text, values }, from, options) =>
        from === 'anywhere'
          ? this.#operations.read(causality, text, values, options)
          : this.#operations.write(causality, text, values, { ...options, safety: 'read' }),
      portions: (statement, known, from, options) => this.#leases.portions(statement, known, from, options),
      run: (name, options, work) => this.#operations.run(name, options, work),
      mayMark: (connection) => this.#operations.mayMark(connection, undefined),
    };
  }

  /**
   * Lends one connection to `callback`, for what needs a session of its own: a transaction kept by hand, `SET`,
   * temporary tables. Nothing on it is repeated; when it is lost, its `signal` is aborted at once and everything on it
   * rejects with a {@link ConnectionLostError}. Afterwards it is lent to others only if it is as it was before: in no
   * transaction, and its session unchanged.
   *
   * @param kind - `'master'`, the default, or `'replica'`: a replica where one can be had, else the master.
   * @param options - `deadlineMs` counts until the connection is there; it may be held for as long as you like.
   * `signal` ends it at any moment.
   * @returns what the callback returned.
   * @throws what the callback threw; OperationAbortedError where `signal` ended it.
   */
  withConnection<T>(callback: UseConnection<T>, options?: CallOptions): Promise<T>;
  withConnection<T>(
    kind: 'master' | 'replica',
    callback: UseConnection<T>,
    options?: CallOptions,
  ): Promise<T>;
  withConnection<T>(
    first: 'master' | 'replica' | UseConnection<T>,
    second?: UseConnection<T> | CallOptions,
    third?: CallOptions,
  ): Promise<T> {
    return typeof first === 'function'
      ? this.#leases.withConnection('master', first, second as CallOptions | undefined)
      : this.#leases.withConnection(first, second as UseConnection<T>, third);
  }

  /**
   * The rows of one statement, one after the other, without holding all of them: from a cursor, as fast as they are
   * taken. Routed as {@link query} does. `break`, an exception and `signal` free the connection at once.
   *
   * Begun again on another connection when it breaks before the first row, if the statement has no effect; never
   * after that.
   *
   * @throws InvalidOptionsError at once; while it is read, SQL errors as they are and {@link SchoolDbError}s.
   */
  stream<Row extends QueryResultRow = QueryResultRow>(
    text: string,
    values?: readonly unknown[],
    options: StreamOptions = {},
  ): AsyncGenerator<Row, void, undefined> {
    checkStreamOptions(options);
    return this.#leases.stream<Row>(text, values, options);
  }

  /**
   * Runs `callback` while this process holds an advisory lock of the primary's: one holder at a time, in all processes.
   * The callback gets a connection as with {@link withConnection}, the one that holds the lock; its `signal` is aborted
   * at once when that is lost, and with it the lock: stop then, another may have it by now.
   *
   * @param key - a bigint as PostgreSQL's functions take it, or a text (the first 8 bytes of its SHA-256, big-endian).
   * @returns what the callback returned, if the lock was held until its end.
   * @throws what the callback threw; AdvisoryLockBusyError where somebody else holds it; ConnectionLostError where it
   * was lost meanwhile, even if the callback went well.
   */
  withAdvisoryLock<T>(
    key: bigint | string,
    callback: UseConnection<T>,
    options?: AdvisoryLockOptions,
  ): Promise<T> {
    return this.#leases.withAdvisoryLock(key, callback, options);
  }

  /**
   * Sends what a source gives to `COPY … FROM STDIN`, no faster than the server takes it. Runs in a transaction of its
   * own, so that all of it is there or nothing; where the schema `schooldb` is installed a lost COMMIT is asked about.
   * Repeated only as long as nothing was read from the source.
   *
   * @param source - a Node stream, or any other iterable of texts (UTF-8) and bytes.
   * @throws SQL errors as they are, what the source throws, and {@link SchoolDbError}s, whose `outcome` says whether it
   * may have been committed.
   */
  copyFrom(text: string, source: CopySource, options: CopyFromOptions = {}): Promise<CopyResult> {
    return this.#operations.copyFrom(this.#consistency.ofClient, text, source, options);
  }

  /**
   * What `COPY … TO STDOUT` gives, piece by piece, as fast as it is taken; a piece may end in the middle of a row.
   * `Readable.from(db.copyTo(…))` makes a Node stream of it. Whoever leaves before its end closes the connection. Never
   * repeated.
   *
   * @throws InvalidOptionsError at once; while it is read, SQL errors as they are and {@link SchoolDbError}s.
   */
  copyTo(text: string, options: CopyToOptions = {}): AsyncGenerator<Buffer, number, undefined> {
    checkCallOptions('copyTo()', options, ['deadlineMs', 'signal', 'kind']);
    if (options.kind !== undefined) checkOneOf("'kind'", options.kind, ['master', 'replica']);
    return this.#leases.copyTo(text, options);
  }

  /**
   * Listens to a channel, on the primary, until the subscription is closed: also after a failover. What was sent while
   * the connection was away is not heard, and `onGap` (and the event `notifications:missed`) says so as soon as the
   * channel is listened to again. All channels share one connection, which keeps the process running.
   *
   * @param channel - as it is: quoted, with its capitals. At most 63 bytes.
   * @returns when the channel is listened to.
   * @throws InvalidOptionsError, also where `maxConnections` leaves no connection beside it: it must be 4 or more.
   */
  listen(
    channel: string,
    onNotification: (notification: Notification) => void,
    options?: ListenOptions,
  ): Promise<Subscription> {
    return this.#leases.listen(channel, onNotification, options);
  }

  /**
   * Asks what became of a commit whose operation ended with a {@link CommitOutcomeUnknownError}: in this process or
   * another, for a day. The answer is final: what has not committed by then never will.
   *
   * @param token - that of the error.
   * @throws InvalidTokenError for anything else, or a token of another database; CommitOutcomeUnknownError, with the
   * token, where nobody could tell by the deadline.
   */
  async settle(token: string, options: CallOptions = {}): Promise<'committed' | 'not-committed'> {
    checkCallOptions('settle()', options, ['deadlineMs', 'signal']);
    const committed = await this.#whileOpen('settle', options, (limits) =>
      settleLater(this.#execution, token, limits),
    );
    return committed ? 'committed' : 'not-committed';
  }

  /**
   * Believes the next primary that is met, whatever its timeline. For an operator who knows that the cluster was set
   * back on purpose (a restore to an earlier time): until then a primary on an older timeline than one already seen
   * is refused, and `health().cluster.refused` says so.
   */
  acceptTimeline(): void {
    this.#execution.endpoints.acceptTimeline();
  }

  /** How things are, without asking any server: fit for a readiness endpoint. */
  health(): Health {
    const { master, replica, masterPooler, replicaPooler, cluster } = this.#execution.endpoints;
    const state = this.#closing === undefined ? master.health.state : 'closed';
    return {
      state,
      endpoints: {
        master: master.health,
        replica: replica?.health ?? null,
        masterPooler: masterPooler?.health ?? null,
        replicaPooler: replicaPooler?.health ?? null,
      },
      cluster: {
        systemId: cluster.systemId ?? null,
        timeline: cluster.timeline ?? null,
        refused: cluster.refused ?? null,
      },
      running: this.#running,
    };
  }

  /** @returns a function that takes the listener away again. */
  on<Name extends keyof ClientEvents>(name: Name, listener: Listener<ClientEvents[Name]>): () => void {
    return this.#events.on(name, listener);
  }

  /**
   * Takes no new work, lets what is under way end, and closes all connections. What has not ended after
   * `closeTimeoutMs` fails. May be called twice.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Runs what the app has called for, unless the client is closed, and lets close() wait for its end. */
  async #whileOpen<T>(
    name: string,
    { deadlineMs = this.#options.deadlineMs, signal }: CallOptions,
    work: (limits: Pick<Operation<T>, 'deadlineMs' | 'signals'>) => Promise<T>,
  ): Promise<T> {
    if (this.#closing !== undefined) throw new ClientClosedError(`the client is closed: no ${name} any more`);
    this.#running += 1;
    try {
      const signals = [this.#evicted.signal, ...(signal === undefined ? [] : [signal])];
      return await work({ deadlineMs, signals });
    } finally {
      this.#running -= 1;
      if (this.#running === 0) this.#idle?.();
    }
  }

  async #close(): Promise<void> {
    const { endpoints, clock } = this.#execution;
    const silenced = this.#leases.close();
    if (this.#running > 0) {
      await new Promise<void>((resolve) => {
        const giveUp = clock.schedule(this.#options.closeTimeoutMs, resolve, true);
        this.#idle = () => {
          giveUp.cancel();
          resolve();
        };
      });
    }
    this.#execution.breakers.close();
    const closed = endpoints.close();
    if (this.#running > 0) this.#evicted.abort(new ClientClosedError('the client was closed'));
    await Promise.all([silenced, closed]);
  }
}
