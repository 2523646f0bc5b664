/** What the client lends: connections of their own, for as long as the caller likes. */
import type { QueryResult, QueryResultRow } from 'pg';
import { holdLock, lockKeyOf } from '../execution/advisory-lock.ts';
import { copyOut } from '../execution/copy.ts';
import type { Execution } from '../execution/execution.ts';
import type {
  HeldConnection,
  HeldConnectionContext,
  HeldTraits,
  SessionTraits,
} from '../execution/held-connection.ts';
import { lend, openLoan } from '../execution/lend.ts';
import { refuseUnfit, refuseUnlessCopy } from '../execution/refuse.ts';
import { streamPortions, streamRows } from '../execution/stream.ts';
import type { StreamPlan } from '../execution/stream.ts';
import { readsTable } from '../policy/statement-text.ts';
import { sessionRoute } from '../router/session-route.ts';
import type { Notification, Statement } from '../wire/wire.ts';
import { checkCallOptions, checkLock } from './call-options.ts';
import type { AdvisoryLockOptions, CallOptions, CopyToOptions, StreamOptions } from './call-options.ts';
import { InvalidOptionsError } from '../errors/option-errors.ts';
import { Listener, checkListen } from './listen.ts';
import type { ListenOptions, Subscription } from './listen.ts';
import { checkFunction, checkOneOf } from './option-checks.ts';

/** One connection, which belongs to the callback of `withConnection` until that has ended. */
export interface LeasedConnection {
  /** `master`, also where a replica was asked for and none could be had. */
  readonly endpoint: 'master' | 'replica';
  /** Aborted at once when the connection is lost, with a {@link ConnectionLostError} as its reason. */
  readonly signal: AbortSignal;
  /**
   * Runs one statement on this connection; never repeated. BEGIN, COMMIT, SET and their like are welcome here. One that
   * is given up (`signal`, `deadlineMs`) takes the connection with it.
   *
   * @throws SQL errors as they are; ConnectionLostError, whose `outcome` says whether the statement may have happened,
   * for it and for all that follow when the connection is lost.
   */
  readonly query: <Row extends QueryResultRow = QueryResultRow>(
    text: string,
    values?: readonly unknown[],
    options?: CallOptions,
  ) => Promise<QueryResult<Row>>;
}

export type UseConnection<T> = (connection: LeasedConnection) => Promise<T>;

/** What leases need of their client. */
/** Two for probes, one that listens for good, one for all else. */
const LEAST_TO_LISTEN = 4;

export interface LeasesContext {
  readonly execution: Execution;
  /** The client's own deadline, in milliseconds. */
  readonly deadlineMs: number;
  /** To each endpoint, probes included. */
  readonly maxConnections: number;
  readonly traits: SessionTraits;
  readonly onWrote: () => void;
  /** Whether reads must see what this process has written. */
  readonly mustReadPrimary: () => boolean;
  /** A standby has refused the text: it writes. */
  readonly onRefused: (text: string) => void;
  /** Runs what the app has called for unless the client is closed, and lets `close()` wait for its end. */
  readonly whileOpen: <T>(
    name: string,
    options: CallOptions,
    work: (limits: Limits) => Promise<T>,
  ) => Promise<T>;
}

export interface Limits {
  readonly deadlineMs: number;
  readonly signals: readonly AbortSignal[];
}

/** Of the connections that wait for nothing: a server that froze is noticed this much later. */
const HEARTBEAT_MS = 1_000;

/** Late notifications are late, no more: a listener need not be asked as often. */
const LISTENER_HEARTBEAT_MS = 5_000;

const STREAM_BATCH_SIZE = 100;

const KINDS = ['master', 'replica'] as const;

export class Leases {
  readonly #context: LeasesContext;
  readonly #held: HeldConnectionContext;
  readonly #listener: Listener;

  constructor(context: LeasesContext) {
    this.#context = context;
    const { clock, breakers } = context.execution;
    const { traits, onWrote, deadlineMs: patienceMs } = context;
    this.#held = { clock, breakers, traits, onWrote, patienceMs };
    this.#listener = new Listener(context.execution, (signal, use) => {
      const route = sessionRoute(context.execution.endpoints, 'master', 'listen');
      const loan = { name: 'listen', route, deadlineMs: patienceMs, signals: [signal] };
      return lend({ ...loan, heartbeatMs: LISTENER_HEARTBEAT_MS }, this.#held, use);
    });
  }

  async withConnection<T>(
    kind: 'master' | 'replica',
    callback: UseConnection<T>,
    options: CallOptions = {},
  ): Promise<T> {
    checkCallOptions('withConnection()', options, ['deadlineMs', 'signal']);
    checkOneOf('the kind in withConnection()', kind, KINDS);
    checkFunction('the callback of withConnection()', callback);
    const { execution, whileOpen } = this.#context;
    const name = 'withConnection';
    return whileOpen(name, options, (limits) =>
      lend(
        {
          name,
          route: sessionRoute(execution.endpoints, kind, 'connection'),
          ...limits,
          heartbeatMs: HEARTBEAT_MS,
        },
        this.#held,
        (held) => callback(this.#leased(held)),
      ),
    );
  }

  /** Not connected before its first row is asked for. */
  async *stream<Row extends QueryResultRow>(
    text: string,
    values: readonly unknown[] | undefined,
    options: StreamOptions,
  ): AsyncGenerator<Row, void, undefined> {
    refuseUnfit(text);
    const { readOnly } = await this.#context.traits(text);
    const atReplica = readOnly && !this.#context.mustReadPrimary();
    const plan = this.#streamPlan({ text, values }, readOnly, atReplica, options);
    yield* streamRows<Row>(plan, this.#context.execution);
  }

  /** The same of what is known to have no effect, in portions. */
  async *portions(
    statement: Statement,
    known: HeldTraits,
    from: 'anywhere' | 'primary',
    options: StreamOptions,
  ): AsyncGenerator<QueryResultRow[], void, undefined> {
    const atReplica = from === 'anywhere' && !this.#context.mustReadPrimary();
    const plan = { ...this.#streamPlan(statement, true, atReplica, options), known };
    yield* streamPortions(plan, this.#context.execution);
  }

  #streamPlan(
    statement: Statement,
    isRead: boolean,
    atReplica: boolean,
    { batchSize = STREAM_BATCH_SIZE, deadlineMs = this.#context.deadlineMs, signal }: StreamOptions,
  ): StreamPlan {
    const { execution, whileOpen } = this.#context;
    const open = (onPrimary: boolean, leftMs: number) =>
      openLoan((use) =>
        whileOpen('stream', { deadlineMs: leftMs, ...(signal && { signal }) }, (limits) => {
          const route = sessionRoute(
            execution.endpoints,
            atReplica && !onPrimary ? 'replica' : 'master',
            'stream',
          );
          return lend({ name: 'stream', route, ...limits, heartbeatMs: false }, this.#held, use);
        }),
      );
    return {
      statement,
      isRead,
      batchSize,
      deadlineMs,
      signals: signal === undefined ? [] : [signal],
      open,
      onRefused: () => this.#context.onRefused(statement.text),
    };
  }

  async withAdvisoryLock<T>(
    key: bigint | string,
    callback: UseConnection<T>,
    options: AdvisoryLockOptions = {},
  ): Promise<T> {
    checkLock(key, options);
    checkFunction('the callback of withAdvisoryLock()', callback);
    const { execution, whileOpen } = this.#context;
    const { clock } = execution;
    return whileOpen('withAdvisoryLock', options, ({ deadlineMs, signals }) => {
      const startedAt = clock.now();
      const route = sessionRoute(execution.endpoints, 'master', 'lock');
      const loan = { name: 'withAdvisoryLock', route, deadlineMs, signals, heartbeatMs: HEARTBEAT_MS };
      return lend(loan, this.#held, (held) => {
        const leftMs = Math.max(1, deadlineMs - (clock.now() - startedAt));
        const { wait = true } = options;
        const waitMs = wait === false ? 0 : Math.min(wait === true ? Infinity : wait, leftMs);
        const name = typeof key === 'bigint' ? String(key) : `'${key}'`;
        const plan = { name, key: lockKeyOf(key), waitMs, deadlineMs: leftMs, signals };
        return holdLock(held, plan, execution, () => callback(this.#leased(held)));
      });
    });
  }

  async *copyTo(
    text: string,
    { kind = 'master', deadlineMs = this.#context.deadlineMs, signal }: CopyToOptions,
  ): AsyncGenerator<Buffer, number, undefined> {
    const { execution, whileOpen, traits } = this.#context;
    refuseUnlessCopy(text, await traits(text), 'to');
    const options = { deadlineMs, ...(signal && { signal }) };
    const route = sessionRoute(execution.endpoints, kind, 'stream');
    const open = () =>
      openLoan((use) =>
        whileOpen('copyTo', options, (limits) =>
          lend({ name: 'copyTo', route, ...limits, heartbeatMs: false }, this.#held, use),
        ),
      );
    const signals = signal === undefined ? [] : [signal];
    return yield* copyOut({ text, isRead: readsTable(text), deadlineMs, signals, open }, execution);
  }

  async listen(
    channel: string,
    onNotification: (notification: Notification) => void,
    options: ListenOptions = {},
  ): Promise<Subscription> {
    checkListen(channel, onNotification, options);
    const { deadlineMs, maxConnections, whileOpen } = this.#context;
    if (maxConnections < LEAST_TO_LISTEN) {
      throw new InvalidOptionsError(
        `listen() keeps a connection for itself, and statements need another: 'maxConnections' must be ${LEAST_TO_LISTEN} or more, but is ${maxConnections}`,
      );
    }
    return whileOpen('listen', options, () =>
      this.#listener.listen(channel, onNotification, { deadlineMs, ...options }),
    );
  }

  /** Ends what nobody waits for the end of. */
  close(): Promise<void> {
    return this.#listener.close();
  }

  #leased(held: HeldConnection): LeasedConnection {
    return {
      endpoint: held.endpoint === 'replica' ? 'replica' : 'master',
      signal: held.signal,
      query: async (text, values, options = {}) => {
        checkCallOptions('query()', options, ['deadlineMs', 'signal']);
        const { deadlineMs = this.#context.deadlineMs, signal } = options;
        return held.query({ text, values }, { deadlineMs, signals: signal === undefined ? [] : [signal] });
      },
    };
  }
}
