/**
 * A connection as Kysely knows it. Kysely asks for one before each single statement, each transaction and each
 * `connection()` alike, and nothing tells them apart; so it stands for no server at first.
 *
 *   free      nothing was sent, or plain reads only: those go wherever they may, which leaves no trace in a session
 *   kept      a first statement ran on the primary, and its connection is kept until Kysely gives it back: mostly at once
 *   held      more than that: everything goes to this one connection, and nothing is repeated
 *
 * Never behind a pooler, which would give its server away in between.
 */
import type {
  CompiledQuery,
  DatabaseConnection,
  QueryResult as KyselyResult,
  TransactionSettings,
} from 'kysely';
import type { QueryResult, QueryResultRow } from 'pg';
import type { EndpointLease, SessionLease } from '../../endpoint/lease.ts';
import { StatementRefusedError } from '../../errors/option-errors.ts';
import { questionBehind } from '../../execution/causality.ts';
import type { HeldConnection, HeldConnectionContext } from '../../execution/held-connection.ts';
import type { OpenLoan } from '../../execution/lend.ts';
import { lend, openLoan } from '../../execution/lend.ts';
import type { Operation } from '../../execution/operation.ts';
import { refuseCopyStream } from '../../execution/refuse.ts';
import { attemptStatement } from '../../execution/statement-attempt.ts';
import { streamPortions } from '../../execution/stream.ts';
import type { Statement } from '../../wire/wire.ts';
import type { KnownStatement, KyselyAccess } from './access.ts';
import { cancelOnServer } from './cancel.ts';
import { KeptLease } from './kept-lease.ts';
import { Patience } from './patience.ts';
import { NO_RESULT, resultOf } from './result.ts';
import { CONTROL, KyselyTransaction, attemptBegin, beginningOf, endsForKysely } from './transaction.ts';

export interface ConnectionContext {
  readonly access: KyselyAccess;
  readonly judge: (query: CompiledQuery) => Promise<KnownStatement>;
  /** Whether the query must not be read from a replica. */
  readonly mustReadPrimary: (query: CompiledQuery) => boolean;
  /** For each statement, in milliseconds. */
  readonly deadlineMs: number;
}

type State =
  | { readonly is: 'free' }
  | { readonly is: 'kept'; readonly kept: KeptLease; readonly first: FirstStatement | undefined }
  | { readonly is: 'held'; readonly loan: OpenLoan; readonly lease: EndpointLease };

interface FirstStatement {
  readonly text: string;
  readonly known: KnownStatement;
}

interface Options {
  readonly signal?: AbortSignal | undefined;
}

export class KyselyConnection implements DatabaseConnection {
  readonly #context: ConnectionContext;
  readonly #heldContext: HeldConnectionContext;
  #state: State = { is: 'free' };
  #transaction: KyselyTransaction | undefined;
  /** Something was written, and nobody was told up to where. */
  #wroteUnseen = false;
  #running: Patience | undefined;

  constructor(context: ConnectionContext) {
    const { access, deadlineMs } = context;
    const { clock, breakers } = access.execution;
    this.#context = context;
    this.#heldContext = {
      clock,
      breakers,
      traits: (text) => access.traits(text),
      patienceMs: deadlineMs,
      onWrote: () => {
        if (this.#wroteUnseen) access.causality.expect('write')?.(undefined);
      },
    };
  }

  async executeQuery<Row>(query: CompiledQuery, { signal }: Options = {}): Promise<KyselyResult<Row>> {
    const patience = signal && new Patience(signal);
    this.#running = patience;
    try {
      return resultOf<Row>(await this.#run(query, signal, patience));
    } catch (error) {
      // Kysely has answered its caller by then, and would print what nobody waits for.
      if (signal?.aborted === true) return { rows: [] };
      throw error;
    } finally {
      patience?.done();
      this.#running = undefined;
    }
  }

  async *streamQuery<Row>(
    query: CompiledQuery,
    chunkSize: number,
    { signal }: Options = {},
  ): AsyncGenerator<KyselyResult<Row>, void, undefined> {
    for await (const rows of await this.#portions(query, chunkSize, signal))
      if (rows.length > 0) yield { rows: rows as Row[] };
  }

  /** In a transaction the server is asked to cancel it; elsewhere the statement is given up with its connection. */
  async cancelQuery(): Promise<void> {
    const running = this.#running;
    if (this.#transaction === undefined || this.#state.is !== 'held') return this.killSession();
    const isStillRunning = () => running !== undefined && this.#running === running;
    await cancelOnServer(this.#state.lease.connection, isStillRunning, this.#context.access);
  }

  /** Closes the connection: the server ends its session when it notices. */
  async killSession(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    running.giveUp();
    if (this.#state.is === 'held') this.#state.loan.held.end(new Error('the caller gave up'));
  }

  async begin(settings: TransactionSettings): Promise<void> {
    const { access, deadlineMs } = this.#context;
    const text = beginningOf(settings);
    const isAlone = this.#state.is === 'free';
    if (isAlone) {
      await this.#keep('kysely transaction', (lease, deadline) =>
        attemptBegin(text, lease, deadline, access),
      );
    }
    const { held, lease } = await this.#hold();
    if (!isAlone) await held.query({ text }, this.#limits(), CONTROL);
    const mode = { ...settings, isAlone, deadlineMs };
    this.#transaction = new KyselyTransaction(access, held, lease.connection, mode);
  }

  /** @throws StatementRefusedError where there is none. */
  get transaction(): KyselyTransaction {
    if (this.#transaction === undefined) throw new StatementRefusedError('there is no transaction here');
    return this.#transaction;
  }

  async commit(): Promise<void> {
    try {
      await this.transaction.commit();
      this.#transaction = undefined;
    } catch (error) {
      // Else a rollback follows, and what comes before that must not run outside of a transaction.
      if (endsForKysely(error)) this.#transaction = undefined;
      throw error;
    }
  }

  async rollBack(): Promise<void> {
    await this.transaction.rollBack();
    this.#transaction = undefined;
  }

  /** @throws StatementRefusedError where a statement has begun a transaction, which is still open. */
  async release(): Promise<void> {
    const state = this.#state;
    this.#state = { is: 'free' };
    if (state.is === 'kept') state.kept.giveBack();
    if (state.is !== 'held') return;
    const { wire } = state.loan.held;
    const isOpen = wire.lostBecause === undefined && wire.transactionStatus !== 'idle';
    // Where close() has ended it, its statements have said so.
    await state.loan.end().catch(() => {});
    if (isOpen && this.#transaction === undefined) {
      throw new StatementRefusedError(
        'a statement has begun a transaction that did not end on the same connection: it is rolled back. Use transaction(), or connection() around all of it',
      );
    }
  }

  async #run(
    query: CompiledQuery,
    signal: AbortSignal | undefined,
    patience: Patience | undefined,
  ): Promise<QueryResult> {
    const { access, judge, mustReadPrimary, deadlineMs } = this.#context;
    const { sql: text, parameters: values } = query;
    const statement = { text, values };
    const known = await judge(query);
    this.#transaction?.admit(text, known);
    if (this.#state.is === 'free') {
      if (known.readOnly) {
        const from = mustReadPrimary(query) ? 'primary' : 'anywhere';
        return access.read(statement, from, { deadlineMs, ...(signal && { signal }) });
      }
      if (known.statements <= 1 && known.transactionControl === undefined)
        return this.#runFirst(statement, known, patience);
    }
    const { held } = await this.#hold(patience);
    if (this.#transaction === undefined && !known.readOnly) this.#wroteUnseen = true;
    // As with pg, a text that holds several statements is one without values.
    if (known.statements <= 1 || values.length > 0) return held.query(statement, this.#limits(), known);
    await held.script(text, this.#limits(), known);
    return NO_RESULT;
  }

  /** As a statement of the client's own, except that its connection is kept. */
  async #runFirst(
    statement: Statement,
    known: KnownStatement,
    patience: Patience | undefined,
  ): Promise<QueryResult> {
    refuseCopyStream(statement.text);
    const { execution, causality } = this.#context.access;
    return this.#keep(
      'kysely',
      (lease, deadline) => {
        const position = questionBehind('write', causality, lease.connection);
        return attemptStatement(statement, 'effectful', position, lease, deadline, execution);
      },
      patience,
      { text: statement.text, known },
    );
  }

  /** Runs an operation on the primary, and keeps its connection. */
  async #keep<T>(
    name: string,
    attempt: Operation<T>['attempt'],
    patience?: Patience,
    first?: FirstStatement,
  ): Promise<T> {
    const { access, deadlineMs } = this.#context;
    const changesSession = first !== undefined && (first.known.sessionState || !first.known.atomic);
    const kept = new KeptLease(access.toPrimary, changesSession);
    const options = { deadlineMs, ...(patience && { signal: patience.signal }) };
    try {
      const value = await access.run<T>(name, options, {
        route: kept.route,
        direct: true,
        attempt: (lease, deadline, plan) => {
          const send = () => attempt(lease, deadline, plan);
          return patience === undefined ? send() : patience.whileSent(send);
        },
      });
      this.#state = { is: 'kept', kept, first };
      return value;
    } catch (error) {
      kept.giveBack();
      throw error;
    }
  }

  /** Holds one connection until it is released: the one that is kept, if there is one. */
  async #hold(patience?: Patience): Promise<{ held: HeldConnection; lease: EndpointLease }> {
    if (this.#state.is === 'free')
      await this.#keep('kysely', async () => ({ state: 'done', value: undefined }), patience);
    if (this.#state.is === 'kept') {
      const { kept, first } = this.#state;
      const lease = kept.take();
      this.#state = { is: 'held', lease, loan: await this.#lend(lease) };
      if (first !== undefined) await this.#state.loan.held.learn(first.text, first.known);
    }
    if (this.#state.is !== 'held') throw new StatementRefusedError('the connection was given back');
    return { held: this.#state.loan.held, lease: this.#state.lease };
  }

  async #lend(lease: EndpointLease): Promise<OpenLoan> {
    const { whileOpen } = this.#context.access;
    // Nobody waits for a sign of life here: it is used, or about to be.
    const session: SessionLease = { ...lease, keepBeating: () => () => {} };
    let isLent = false;
    try {
      return await openLoan((use) =>
        whileOpen('kysely', {}, (limits) => {
          const route = async () => {
            isLent = true;
            return session;
          };
          const loan = { name: 'kysely connection', route, ...limits, heartbeatMs: false } as const;
          return lend(loan, this.#heldContext, use);
        }),
      );
    } catch (error) {
      if (!isLent) lease.release();
      throw error;
    }
  }

  async #portions(
    query: CompiledQuery,
    batchSize: number,
    signal: AbortSignal | undefined,
  ): Promise<AsyncGenerator<QueryResultRow[], void, undefined>> {
    const { access, judge, mustReadPrimary, deadlineMs } = this.#context;
    const { sql: text, parameters: values } = query;
    const statement = { text, values };
    const known = await judge(query);
    this.#transaction?.admit(text, known);
    refuseCopyStream(text);
    if (this.#state.is === 'free' && known.readOnly) {
      const from = mustReadPrimary(query) ? 'primary' : 'anywhere';
      return access.portions(statement, known, from, { batchSize, deadlineMs, ...(signal && { signal }) });
    }
    const { held } = await this.#hold();
    if (this.#transaction === undefined && !known.readOnly) this.#wroteUnseen = true;
    const open = async (): Promise<OpenLoan> => {
      // What is lost stays lost: there is nothing to begin again on.
      held.signal.throwIfAborted();
      return { held, end: async () => {} };
    };
    // Nothing is repeated here, reads included, and nothing else may be sent meanwhile.
    const plan = {
      statement,
      isRead: false,
      known,
      batchSize,
      deadlineMs,
      signals: [],
      open,
      onRefused() {},
    };
    return streamPortions(plan, access.execution);
  }

  #limits() {
    return { deadlineMs: this.#context.deadlineMs, signals: [] };
  }
}
