import type { QueryResult, QueryResultRow } from 'pg';
import { TransactionRolledBackError } from '../errors/commit-errors.ts';
import { StatementRefusedError } from '../errors/option-errors.ts';
import { codeOf } from '../policy/classify.ts';
import { transactionControlIn } from '../policy/statement-text.ts';
import { refuseCopyStream } from './refuse.ts';
import type { TransactionStatements } from './transaction-statements.ts';

/** What the callback of a transaction works with. Of no use once the callback has ended. */
export interface Transaction {
  /**
   * Runs one statement in the transaction.
   *
   * @throws SQL errors as they are; after one of them only the end of the transaction is left (PostgreSQL manual,
   * "Transactions"). StatementRefusedError for BEGIN, COMMIT, ROLLBACK and their like: the client keeps those.
   */
  query<Row extends QueryResultRow = QueryResultRow>(
    text: string,
    values?: readonly unknown[],
  ): Promise<QueryResult<Row>>;

  /**
   * Runs a part of the transaction behind a savepoint: when `callback` throws, what it did is rolled back, and the
   * rest of the transaction can go on if the error is caught (PostgreSQL manual, "SAVEPOINT"). Whatever it did is
   * committed with the whole transaction and not before. While it runs, statements belong to the transaction that
   * the callback is given; those of the outer one are refused.
   *
   * @returns what the callback returned.
   * @throws what the callback threw; TransactionRolledBackError where one of its statements had failed and the
   * callback went on as if it had not.
   */
  transaction<T>(callback: (transaction: Transaction) => Promise<T>): Promise<T>;
}

/** The transaction itself, or a part of it behind a savepoint: as long as its callback runs. */
export class TransactionScope implements Transaction {
  readonly #statements: TransactionStatements;
  readonly #outer: TransactionScope | undefined;
  #open = true;
  #inner = false;

  constructor(statements: TransactionStatements, outer?: TransactionScope) {
    this.#statements = statements;
    this.#outer = outer;
  }

  async query<Row extends QueryResultRow>(
    text: string,
    values?: readonly unknown[],
  ): Promise<QueryResult<Row>> {
    this.#throwUnlessItsTurn();
    const control = transactionControlIn(text);
    if (control !== undefined) {
      throw new StatementRefusedError(
        `${control} inside transaction(): its begin and end are kept by the client. Return to commit, throw to roll back, nest transaction() for a savepoint`,
      );
    }
    refuseCopyStream(text);
    return this.#statements.run({ text, values }, () => this.#throwIfOver());
  }

  async transaction<T>(callback: (transaction: Transaction) => Promise<T>): Promise<T> {
    this.#throwUnlessItsTurn();
    this.#inner = true;
    const inner = new TransactionScope(this.#statements, this);
    try {
      const savepoint = await this.#statements.setSavepoint();
      try {
        const value = await callback(inner);
        await this.#statements.allSent();
        inner.end();
        await this.#statements.release(savepoint);
        return value;
      } catch (error) {
        inner.close();
        await this.#statements.rollBackTo(savepoint);
        // in_failed_sql_transaction: RELEASE met what the callback had not heeded
        throw codeOf(error) === '25P02' ? new TransactionRolledBackError(UNHEEDED, { cause: error }) : error;
      }
    } finally {
      inner.close();
      this.#inner = false;
    }
  }

  /** Takes no more statements. @throws StatementRefusedError where a nested transaction is still running. */
  end(): void {
    this.close();
    if (this.#inner) {
      throw new StatementRefusedError(
        'the callback has ended while a transaction nested in it was running: await it',
      );
    }
  }

  close(): void {
    this.#open = false;
  }

  #throwUnlessItsTurn(): void {
    this.#throwIfOver();
    if (this.#inner) {
      throw new StatementRefusedError(
        'a transaction nested in this one is running: use the one that its callback was given, and run nested ones one after the other',
      );
    }
  }

  #throwIfOver(): void {
    if (!this.#open) throw new StatementRefusedError('the transaction is over: its callback has ended');
    if (this.#outer !== undefined) this.#outer.#throwIfOver();
  }
}

const UNHEEDED =
  'the nested transaction was rolled back: one of its statements had failed, and its callback went on as if it had not';
