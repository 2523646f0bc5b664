/**
 * What an app asks for, from the checked options to the operation: which route it takes, and how it is attempted. The
 * client itself and its sessions differ in what their reads must not miss, and in nothing else.
 */
import type { QueryResult, QueryResultRow } from 'pg';
import type { Connection } from '../endpoint/connection.ts';
import type { EndpointLease } from '../endpoint/lease.ts';
import { SchoolDbError } from '../errors/base.ts';
import { ExactlyOnceUnavailableError } from '../errors/commit-errors.ts';
import type { AttemptEnd } from '../execution/attempt.ts';
import type { Causality } from '../execution/causality.ts';
import { questionBehind, questionWhatWasSeen } from '../execution/causality.ts';
import { SCHEMA_MISSING } from '../execution/commit-outcome.ts';
import type { CommitMark, CommitSlot } from '../execution/commit-slots.ts';
import type { Execution } from '../execution/execution.ts';
import { attemptInTransaction } from '../execution/in-transaction-attempt.ts';
import type { StatementResult } from '../execution/in-transaction-attempt.ts';
import { operate } from '../execution/operation.ts';
import type { AttemptPlan, Operation } from '../execution/operation.ts';
import { CopyPieces, attemptCopyIn } from '../execution/copy.ts';
import type { CopyResult, CopySource } from '../execution/copy.ts';
import { refuseUnfit, refuseUnlessCopy } from '../execution/refuse.ts';
import { attemptReplicaRead, behind } from '../execution/replica-read.ts';
import { attemptStatement } from '../execution/statement-attempt.ts';
import { attemptTransaction } from '../execution/transaction-attempt.ts';
import type { Transaction } from '../execution/transaction-scope.ts';
import type { TextTraits } from '../execution/transaction-statements.ts';
import type { StatementSafety } from '../policy/classify.ts';
import type { Demand } from '../policy/position.ts';
import { roleWanted } from '../policy/topology.ts';
import type { Consistency } from '../router/consistency.ts';
import type { Routes } from '../router/route.ts';
import type { StatementParser, StatementTraits } from '../router/statement.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { Statement } from '../wire/wire.ts';
import { checkCallOptions, checkTransactionOptions } from './call-options.ts';
import type { CallOptions, CopyFromOptions, StatementOptions, TransactionOptions } from './call-options.ts';
import type { ResolvedOptions } from './resolve-options.ts';

/** Runs what the app has called for, unless the client is closed, and lets close() wait for its end. */
export type WhileOpen = <T>(
  name: string,
  options: CallOptions,
  work: (limits: Pick<Operation<T>, 'deadlineMs' | 'signals'>) => Promise<T>,
) => Promise<T>;

type Work<T> = Pick<Operation<T>, 'route' | 'attempt' | 'direct' | 'onSettled'>;

export class Operations {
  readonly #execution: Execution;
  readonly #routes: Routes;
  readonly #consistency: Consistency;
  readonly #options: Pick<ResolvedOptions, 'safeFunctions' | 'masterPooler' | 'replicaPooler'>;
  readonly #whileOpen: WhileOpen;
  readonly #textTraits: TextTraits = {
    needsDirect: (text) => this.#needsDirect(text),
    isPlainRead: async (text) => (await this.traits(text)).readOnly,
  };
  #parser: Promise<StatementParser> | undefined;
  #loadedParser: StatementParser | undefined;
  #toldUnavailable = false;

  constructor(
    parts: { readonly execution: Execution; readonly routes: Routes; readonly consistency: Consistency },
    options: Pick<ResolvedOptions, 'safeFunctions' | 'masterPooler' | 'replicaPooler'>,
    whileOpen: WhileOpen,
  ) {
    this.#execution = parts.execution;
    this.#routes = parts.routes;
    this.#consistency = parts.consistency;
    this.#options = options;
    this.#whileOpen = whileOpen;
  }

  async query<Row extends QueryResultRow>(
    causality: Causality,
    text: string,
    values: readonly unknown[] | undefined,
    options: StatementOptions,
  ): Promise<StatementResult<Row>> {
    checkCallOptions('query()', options, ['deadlineMs', 'signal', 'safety', 'exactlyOnce']);
    const { safety, exactlyOnce } = options;
    const mayRead = safety !== 'effectful' && safety !== 'idempotent' && exactlyOnce !== true;
    if (mayRead && (safety === 'read' || (await this.traits(text)).readOnly)) {
      return this.#read('query', causality, { text, values }, options);
    }
    return this.#write('query', causality, { text, values }, options);
  }

  async read<Row extends QueryResultRow>(
    causality: Causality,
    text: string,
    values: readonly unknown[] | undefined,
    options: CallOptions,
  ): Promise<QueryResult<Row>> {
    checkCallOptions('read()', options, ['deadlineMs', 'signal']);
    return this.#read('read', causality, { text, values }, options);
  }

  async write<Row extends QueryResultRow>(
    causality: Causality,
    text: string,
    values: readonly unknown[] | undefined,
    options: StatementOptions,
  ): Promise<StatementResult<Row>> {
    checkCallOptions('write()', options, ['deadlineMs', 'signal', 'safety', 'exactlyOnce']);
    return this.#write('write', causality, { text, values }, options);
  }

  async transaction<T>(
    causality: Causality,
    callback: (transaction: Transaction) => Promise<T>,
    options: TransactionOptions,
  ): Promise<T> {
    checkTransactionOptions(options);
    const { isolation, access, retry = true, name } = options;
    const readOnly = access === 'read only';
    const onReplica = readOnly && isolation !== 'serializable';
    const work = { callback, mode: { isolation, access }, retry, traits: this.#textTraits, causality };
    return this.#withSlot((next) =>
      this.run(name === undefined ? 'transaction' : `transaction ${name}`, options, {
        route: onReplica ? this.#consistency.routeFor(causality) : this.#routes.toPrimary,
        // Behind a pooler the callback may have to be run again elsewhere, and its replicas can't be told apart.
        direct: !retry || (onReplica && causality.demand(undefined) !== 'nothing'),
        onSettled: committedUnseen(causality),
        attempt: (lease, deadline, plan) => {
          const marked = !readOnly && this.mayMark(lease.connection, options.exactlyOnce);
          const mark = marked ? next() : undefined;
          const demand = demandOn(lease, causality, plan);
          if (demand === 'primary') return Promise.resolve(behind(lease));
          return attemptTransaction({ ...work, demand }, mark, lease, deadline, this.#execution);
        },
      }),
    );
  }

  async copyFrom(
    causality: Causality,
    text: string,
    source: CopySource,
    options: CopyFromOptions,
  ): Promise<CopyResult> {
    checkCallOptions('copyFrom()', options, ['deadlineMs', 'signal', 'exactlyOnce']);
    refuseUnlessCopy(text, await this.traits(text), 'from');
    const pieces = new CopyPieces(source);
    return this.#withSlot((next) =>
      this.run('copyFrom', options, {
        route: this.#routes.toPrimary,
        direct: true,
        onSettled: committedUnseen(causality),
        attempt: (lease, deadline) => {
          const mark = this.mayMark(lease.connection, options.exactlyOnce) ? next() : undefined;
          const position = questionBehind('write', causality, lease.connection);
          return attemptCopyIn(text, pieces, mark, position, lease, deadline, this.#execution);
        },
      }),
    );
  }

  async #read<Row extends QueryResultRow>(
    name: string,
    causality: Causality,
    statement: Statement,
    options: CallOptions,
  ): Promise<QueryResult<Row>> {
    const { text } = statement;
    refuseUnfit(text);
    const direct = await this.#needsDirect(text);
    return this.run(name, options, {
      route: this.#consistency.routeFor(causality),
      direct,
      attempt: async (lease, deadline, plan) => {
        const demand = demandOn(lease, causality, plan);
        if (demand === 'primary') return behind(lease);
        if (demand !== undefined) {
          const read = { statement, demand, causality };
          return attemptReplicaRead(read, lease, deadline, this.#execution);
        }
        // A standby has refused it: it writes after all, and the next caller shall be spared the detour.
        const writes = plan.needs.has('primary');
        if (writes) this.learnWrite(text);
        return this.#attempt(statement, writes ? 'effectful' : 'read', causality, lease, deadline);
      },
    });
  }

  async #write<Row extends QueryResultRow>(
    name: string,
    causality: Causality,
    statement: Statement,
    options: StatementOptions,
  ): Promise<StatementResult<Row>> {
    refuseUnfit(statement.text);
    const { exactlyOnce = false, safety = 'effectful' } = options;
    const route = this.#routes.toPrimary;
    const direct = await this.#needsDirect(statement.text);
    if (!exactlyOnce) {
      return this.run(name, options, {
        route,
        direct,
        attempt: (lease, deadline) => this.#attempt(statement, safety, causality, lease, deadline),
      });
    }
    return this.#withSlot((next) =>
      this.run(name, options, {
        route,
        direct,
        onSettled: committedUnseen(causality),
        attempt: (lease, deadline) => {
          this.mayMark(lease.connection, true);
          const position = questionBehind('write', causality, lease.connection);
          const work = { statement, safety };
          return attemptInTransaction(work, next(), position, lease, deadline, this.#execution);
        },
      }),
    );
  }

  #attempt<Row extends QueryResultRow>(
    statement: Statement,
    safety: StatementSafety,
    causality: Causality,
    lease: EndpointLease,
    deadline: Deadline,
  ): Promise<AttemptEnd<QueryResult<Row>>> {
    const { connection, endpoint } = lease;
    const position =
      roleWanted(endpoint) === 'primary'
        ? questionBehind(safety === 'read' ? 'read' : 'write', causality, connection)
        : questionWhatWasSeen(causality, connection);
    // Behind the master's pooler the transaction itself must ask which server it runs on.
    return endpoint === 'masterPooler'
      ? attemptInTransaction({ statement, safety }, undefined, position, lease, deadline, this.#execution)
      : attemptStatement(statement, safety, position, lease, deadline, this.#execution);
  }

  /** Whether a text can't go through a pooler. Known without a look where there is none. */
  async #needsDirect(text: string): Promise<boolean> {
    const { masterPooler, replicaPooler } = this.#options;
    if (masterPooler === undefined && replicaPooler === undefined) return false;
    const { sessionState, transactional } = await this.traits(text);
    return sessionState || !transactional;
  }

  /** What a text does, by PostgreSQL's own parser. */
  async traits(text: string): Promise<StatementTraits> {
    return (await this.#statements()).traits(text);
  }

  /** A standby has refused the text. */
  learnWrite(text: string): void {
    void this.#statements().then((parser) => parser.learnWrite(text));
  }

  /** Whether a standby has refused the text before. */
  wasRefused(text: string): boolean {
    return this.#loadedParser?.wasRefused(text) ?? false;
  }

  /** Loaded when a text is to be understood for the first time: not every app ever asks. */
  #statements(): Promise<StatementParser> {
    const { safeFunctions } = this.#options;
    this.#parser ??= import('../router/statement.ts').then(
      (it) => (this.#loadedParser = new it.StatementParser({ safeFunctions })),
    );
    return this.#parser;
  }

  /** Runs an operation until it has its answer. */
  run<T>(name: string, options: CallOptions, work: Work<T>): Promise<T> {
    return this.#whileOpen(name, options, (limits) => operate(this.#execution, { name, ...limits, ...work }));
  }

  /** Lends a commit slot to one operation. It is used again unless its last attempt stays unknown. */
  async #withSlot<T>(run: (next: () => CommitMark) => Promise<T>): Promise<T> {
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

  /** Whether what runs on the connection can carry a mark. @throws ExactlyOnceUnavailableError if it must and can't. */
  mayMark(connection: Connection, wanted: boolean | undefined): boolean {
    if (wanted === false || connection.hasCommitSlots) return wanted !== false;
    const reason = `${SCHEMA_MISSING}: run the SQL of schemaSql() and schemaGrantSql(role) there once, as its owner`;
    if (wanted === true) throw new ExactlyOnceUnavailableError(`exactly-once was asked for, but ${reason}`);
    if (!this.#toldUnavailable) this.#execution.events.emit('exactly-once:unavailable', { reason });
    this.#toldUnavailable = true;
    return false;
  }
}

/** What a replica must hold; undefined on the primary, and where any replica is better than no answer at all. */
function demandOn(
  { connection, endpoint }: EndpointLease,
  causality: Causality,
  { needs }: AttemptPlan,
): Demand | 'primary' | undefined {
  if (roleWanted(endpoint) === 'primary' || needs.has('fresh')) return undefined;
  const demand = causality.demand(connection.identity.systemId);
  return demand === 'nothing' ? undefined : demand;
}

/** It is certain that it was written, and nobody was there to say up to where. */
function committedUnseen(causality: Causality): () => void {
  return () => causality.expect('write')?.(undefined);
}
