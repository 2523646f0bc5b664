import type { QueryResult, QueryResultRow } from 'pg';
import { StatementRefusedError } from '../errors/option-errors.ts';
import type { CommitToken } from '../errors/commit-errors.ts';
import type { Lease } from '../endpoint/lease.ts';
import { leaveIfRetired } from '../endpoint/lease.ts';
import { classifyStatementFailure, codeOf } from '../policy/classify.ts';
import { transactionControlIn } from '../policy/statement-text.ts';
import { refuseCopyStream } from './refuse.ts';
import type { Deadline } from '../runtime/deadline.ts';
import { WireLostError } from '../wire/wire.ts';
import type { AttemptEnd } from './attempt.ts';
import { afterSqlError } from './attempt.ts';
import { commit, rollBack } from './commit.ts';
import { unknownOutcome } from './commit-outcome.ts';

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
}

/**
 * One run of the callback between BEGIN and COMMIT. A connection that breaks before COMMIT was sent, a serialization
 * failure and a deadlock are rolled back by the server: then the whole callback is run again.
 */
export async function attemptTransaction<T>(
  callback: (transaction: Transaction) => Promise<T>,
  token: CommitToken | undefined,
  lease: Lease,
  deadline: Deadline,
): Promise<AttemptEnd<T>> {
  const { wire } = lease.connection;
  const scope = new TransactionScope(lease);
  let value: T;
  try {
    await wire.script('BEGIN');
    value = await untilOver(callback(scope), deadline);
    scope.close();
  } catch (error) {
    scope.close();
    if (deadline.over) throw deadline.error('a transaction was running', 'not-executed', error);
    await rollBack(wire);
    // What the callback throws may be its own wrapping of what a statement told it: the statement's failure decides.
    return runAgainOrThrow(scope.repeatable ?? error);
  }
  if (wire.lostBecause === undefined && wire.transactionStatus === 'idle') {
    throw new StatementRefusedError(
      'a statement has ended the transaction from within: part of it may be committed',
    );
  }
  leaveIfRetired(lease);
  const end = await commit(wire, token);
  if (end.state === 'committed') return { state: 'done', value };
  if (end.state === 'failed') return runAgainOrThrow(scope.repeatable ?? end.error);
  if (token !== undefined) return { state: 'unsettled', token, value, cause: end.error };
  throw end.error instanceof WireLostError
    ? unknownOutcome('the transaction carried no mark that could be asked for', undefined, end.error)
    : end.error;
}

class TransactionScope implements Transaction {
  readonly #lease: Lease;
  #open = true;
  /** The first failure after which the transaction may be run again. */
  repeatable: Error | undefined;

  constructor(lease: Lease) {
    this.#lease = lease;
  }

  async query<Row extends QueryResultRow>(
    text: string,
    values?: readonly unknown[],
  ): Promise<QueryResult<Row>> {
    if (!this.#open) throw new StatementRefusedError('the transaction is over: its callback has ended');
    const control = transactionControlIn(text);
    if (control !== undefined) {
      throw new StatementRefusedError(
        `${control} inside transaction(): its begin and end are kept by the client. Return to commit, throw to roll back`,
      );
    }
    refuseCopyStream(text);
    leaveIfRetired(this.#lease);
    try {
      return await this.#lease.connection.wire.query({ text, values });
    } catch (error) {
      if (isRepeatable(error)) this.repeatable ??= error;
      throw error;
    }
  }

  close(): void {
    this.#open = false;
  }
}

function runAgainOrThrow(failure: unknown): AttemptEnd<never> {
  return failure instanceof WireLostError ? { state: 'again', cause: failure } : afterSqlError(failure);
}

function isRepeatable(error: unknown): error is Error {
  return error instanceof WireLostError || classifyStatementFailure(codeOf(error)) === 'rolled-back';
}

/** The callback may wait for something that is no statement, which nobody can interrupt: its caller is answered. */
function untilOver<T>(work: Promise<T>, deadline: Deadline): Promise<T> {
  return new Promise((resolve, reject) => {
    const stopWaiting = deadline.onOver(() => reject(new Error('the deadline is over')));
    work.then(resolve, reject).finally(stopWaiting);
  });
}
