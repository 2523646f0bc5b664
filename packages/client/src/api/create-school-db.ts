import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { QueryResult, QueryResultRow } from 'pg';
import { ClientClosedError } from '../errors/call-errors.ts';
import { ExactlyOnceUnavailableError } from '../errors/commit-errors.ts';
import type { CommitToken } from '../errors/commit-errors.ts';
import { SchoolDbError } from '../errors/base.ts';
import { StatementRefusedError } from '../errors/option-errors.ts';
import { Endpoints } from '../endpoint/endpoints.ts';
import type { Runtime } from '../endpoint/endpoints.ts';
import type { EndpointHealth } from '../endpoint/endpoint.ts';
import type { Connection } from '../endpoint/connection.ts';
import type { CommitSlot } from '../execution/commit-slots.ts';
import { CommitSlots } from '../execution/commit-slots.ts';
import { attemptExactlyOnce } from '../execution/exactly-once-attempt.ts';
import type { StatementResult } from '../execution/exactly-once-attempt.ts';
import type { Execution } from '../execution/execution.ts';
import { operate } from '../execution/operation.ts';
import { refuseCopyStream } from '../execution/refuse.ts';
import { attemptStatement } from '../execution/statement-attempt.ts';
import { attemptTransaction } from '../execution/transaction-attempt.ts';
import type { Transaction } from '../execution/transaction-attempt.ts';
import { transactionControlIn } from '../policy/statement-text.ts';
import { routeToMaster, routeToReplica } from '../router/route.ts';
import type { ClientEvents } from '../endpoint/client-events.ts';
import { systemClock } from '../runtime/clock.ts';
import { Events } from '../runtime/events.ts';
import type { Listener } from '../runtime/events.ts';
import { systemRandom } from '../runtime/random.ts';
import { openPgWire } from '../wire/pg-wire.ts';
import { checkCallOptions } from './call-options.ts';
import type { CallOptions, StatementOptions, TransactionOptions } from './call-options.ts';
import { resolveOptions } from './options.ts';
import type { ResolvedOptions, SchoolDbOptions } from './options.ts';

/** What {@link SchoolDb.health} returns: a snapshot, taken without asking any server. */
export interface Health {
  /** `up` unless the master is known to be unreachable; `unknown` before the first operation. */
  readonly state: 'up' | 'down' | 'unknown' | 'closed';
  readonly endpoints: { readonly master: EndpointHealth; readonly replica: EndpointHealth | null };
  /** Operations that have no answer yet. */
  readonly running: number;
}

/**
 * Makes a client. Nothing is connected yet: the first operation does that.
 *
 * @throws InvalidOptionsError that names the option, what was given and what is allowed.
 */
export function createSchoolDb(options: SchoolDbOptions): SchoolDb {
  return new SchoolDb(resolveOptions(options), {
    clock: systemClock,
    random: systemRandom,
    openWire: openPgWire,
    newId: randomUUID,
  });
}

/** One app's access to the database; made by {@link createSchoolDb}, once per process. */
export class SchoolDb implements AsyncDisposable {
  readonly #options: ResolvedOptions;
  readonly #execution: Execution;
  readonly #events = new Events<ClientEvents>();
  #running = 0;
  #idle: (() => void) | undefined;
  #closing: Promise<void> | undefined;
  /** Aborted when close() has waited long enough. */
  readonly #evicted = new AbortController();
  #toldUnavailable = false;

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
    this.#execution = {
      endpoints,
      events: this.#events,
      slots: new CommitSlots(runtime.newId),
      clock,
      random,
    };
  }

  /**
   * Runs one statement on the primary. Unless `safety` says otherwise it counts as effectful: when the connection
   * breaks under it, it is not repeated.
   *
   * @throws SQL errors as they are; {@link SchoolDbError}s, whose `outcome` says whether it may have happened.
   */
  query<Row extends QueryResultRow = QueryResultRow>(
    text: string,
    values?: readonly unknown[],
    options: StatementOptions = {},
  ): Promise<StatementResult<Row>> {
    return this.#statement('query', text, values, options);
  }

  /**
   * Runs one statement that has no effect, on a replica where there is one. What it sees may be a little older than
   * what the primary holds. Repeated, there or on the primary, when the connection breaks under it.
   */
  async read<Row extends QueryResultRow = QueryResultRow>(
    text: string,
    values?: readonly unknown[],
    options: CallOptions = {},
  ): Promise<QueryResult<Row>> {
    checkCallOptions('read()', options, ['deadlineMs', 'signal']);
    refuseCopyStream(text);
    return this.#run('read', options, {
      route: routeToReplica(this.#execution.endpoints),
      attempt: (lease, deadline) => attemptStatement({ text, values }, 'read', lease, deadline),
    });
  }

  /** Runs one statement on the primary, like {@link query}. */
  write<Row extends QueryResultRow = QueryResultRow>(
    text: string,
    values?: readonly unknown[],
    options: StatementOptions = {},
  ): Promise<StatementResult<Row>> {
    return this.#statement('write', text, values, options);
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
    checkCallOptions('transaction()', options, ['deadlineMs', 'signal', 'exactlyOnce']);
    return this.#withSlot((next) =>
      this.#run('transaction', options, {
        route: routeToMaster(this.#execution.endpoints),
        attempt: (lease, deadline) => {
          const token = this.#mayMark(lease.connection, options.exactlyOnce) ? next() : undefined;
          return attemptTransaction(callback, token, lease, deadline);
        },
      }),
    );
  }

  /** How things are, without asking any server: fit for a readiness endpoint. */
  health(): Health {
    const { master, replica } = this.#execution.endpoints;
    const state = this.#closing === undefined ? master.health.state : 'closed';
    return {
      state,
      endpoints: { master: master.health, replica: replica?.health ?? null },
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

  async #statement<Row extends QueryResultRow>(
    name: 'query' | 'write',
    text: string,
    values: readonly unknown[] | undefined,
    options: StatementOptions,
  ): Promise<StatementResult<Row>> {
    checkCallOptions(`${name}()`, options, ['deadlineMs', 'signal', 'safety', 'exactlyOnce']);
    refuseCopyStream(text);
    const route = routeToMaster(this.#execution.endpoints);
    if (options.exactlyOnce !== true) {
      return this.#run(name, options, {
        route,
        attempt: (lease, deadline) =>
          attemptStatement({ text, values }, options.safety ?? 'effectful', lease, deadline),
      });
    }
    const control = transactionControlIn(text);
    if (control !== undefined)
      throw new StatementRefusedError(`${control} can't be run exactly once: it is no statement of its own`);
    return this.#withSlot((next) =>
      this.#run(name, options, {
        route,
        attempt: (lease, deadline) => {
          this.#mayMark(lease.connection, true);
          return attemptExactlyOnce({ text, values }, next(), lease, deadline);
        },
      }),
    );
  }

  async #run<T>(
    name: string,
    options: CallOptions,
    rest: Pick<Parameters<typeof operate<T>>[1], 'route' | 'attempt'>,
  ): Promise<T> {
    if (this.#closing !== undefined) throw new ClientClosedError(`the client is closed: no ${name} any more`);
    this.#running += 1;
    try {
      const deadlineMs = options.deadlineMs ?? this.#options.deadlineMs;
      const signals = [this.#evicted.signal, ...(options.signal === undefined ? [] : [options.signal])];
      return await operate(this.#execution, { name, deadlineMs, signals, ...rest });
    } finally {
      this.#running -= 1;
      if (this.#running === 0) this.#idle?.();
    }
  }

  /** Lends a commit slot to one operation. It is used again unless its last attempt stays unknown. */
  async #withSlot<T>(run: (next: () => CommitToken) => Promise<T>): Promise<T> {
    const { slots } = this.#execution;
    let slot: CommitSlot | undefined;
    let known = true;
    try {
      return await run(() => (slot ??= slots.take()).next());
    } catch (error) {
      known = !(error instanceof SchoolDbError && error.outcome === 'unknown');
      throw error;
    } finally {
      if (slot !== undefined && known) slots.giveBack(slot);
    }
  }

  #mayMark(connection: Connection, wanted: boolean | undefined): boolean {
    if (wanted === false || connection.hasCommitSlots) return wanted !== false;
    const reason =
      "the schema 'schooldb' is not installed in this database, or not granted to this role: run the SQL of schemaSql() and schemaGrantSql(role) there once, as its owner";
    if (wanted === true) throw new ExactlyOnceUnavailableError(`exactly-once was asked for, but ${reason}`);
    if (!this.#toldUnavailable) this.#events.emit('exactly-once:unavailable', { reason });
    this.#toldUnavailable = true;
    return false;
  }

  async #close(): Promise<void> {
    const { endpoints, clock } = this.#execution;
    if (this.#running > 0) {
      await new Promise<void>((resolve) => {
        const giveUp = clock.schedule(this.#options.closeTimeoutMs, resolve, true);
        this.#idle = () => {
          giveUp.cancel();
          resolve();
        };
      });
    }
    const closed = endpoints.close();
    if (this.#running > 0) this.#evicted.abort(new ClientClosedError('the client was closed'));
    await closed;
  }
}
