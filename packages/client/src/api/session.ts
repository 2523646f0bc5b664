import type { QueryResult, QueryResultRow } from 'pg';
import type { Causality } from '../execution/causality.ts';
import type { StatementResult } from '../execution/in-transaction-attempt.ts';
import type { Transaction } from '../execution/transaction-scope.ts';
import type { Watermark } from '../policy/watermark.ts';
import { sessionTokenOf } from '../router/session-token.ts';
import type { CallOptions, StatementOptions, TransactionOptions } from './call-options.ts';
import type { Operations } from './operations.ts';

/**
 * What one user does, over any number of requests and processes: its reads see what it has written, and never
 * anything older than what it has read, whichever replicas serve them. Made by {@link SchoolDb.session}. It holds no
 * connection and need not be closed.
 */
export class Session {
  readonly #operations: Operations;
  readonly #watermark: Watermark;
  readonly #causality: Causality;

  /** Not for apps: {@link SchoolDb.session} makes it. */
  constructor(operations: Operations, watermark: Watermark, causality: Causality) {
    this.#operations = operations;
    this.#watermark = watermark;
    this.#causality = causality;
  }

  /**
   * What the session has written and read so far, for the next request: at most 35 characters that fit a cookie or a
   * URL. Take it when what is to be remembered has ended. Empty at first. It holds no secret and gives no right;
   * compare tokens for nothing.
   */
  get token(): string {
    return sessionTokenOf(this.#watermark);
  }

  /** As {@link SchoolDb.query}. */
  query<Row extends QueryResultRow = QueryResultRow>(
    text: string,
    values?: readonly unknown[],
    options: StatementOptions = {},
  ): Promise<StatementResult<Row>> {
    return this.#operations.query(this.#causality, text, values, options);
  }

  /** As {@link SchoolDb.read}. */
  read<Row extends QueryResultRow = QueryResultRow>(
    text: string,
    values?: readonly unknown[],
    options: CallOptions = {},
  ): Promise<QueryResult<Row>> {
    return this.#operations.read(this.#causality, text, values, options);
  }

  /** As {@link SchoolDb.write}. */
  write<Row extends QueryResultRow = QueryResultRow>(
    text: string,
    values?: readonly unknown[],
    options: StatementOptions = {},
  ): Promise<StatementResult<Row>> {
    return this.#operations.write(this.#causality, text, values, options);
  }

  /** As {@link SchoolDb.transaction}. */
  transaction<T>(
    callback: (transaction: Transaction) => Promise<T>,
    options: TransactionOptions = {},
  ): Promise<T> {
    return this.#operations.transaction(this.#causality, callback, options);
  }
}
