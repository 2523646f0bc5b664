import { SchoolDbError } from './base.ts';

/**
 * The connection broke after an effectful statement or COMMIT was sent, and what became of it could not be found
 * out by the deadline. Do not repeat it blindly: look whether the effect is there.
 */
export class CommitOutcomeUnknownError extends SchoolDbError {
  readonly code = 'SCHOOLDB_COMMIT_OUTCOME_UNKNOWN';
  readonly outcome = 'unknown';
  /**
   * Present where the attempt carried a mark (transactions and `exactlyOnce` statements): `db.settle(token)` finds
   * out later, in this process or another, for a day.
   */
  readonly token: string | undefined;

  constructor(message: string, token: string | undefined, options?: ErrorOptions) {
    super(message, options);
    this.token = token;
  }
}

/**
 * The commit is done on the primary, but its wait for the synchronous standby was given up (PostgreSQL says so with
 * a WARNING): a failover may still lose it. PostgreSQL manual, "Synchronous Replication".
 */
export class CommitUnconfirmedError extends SchoolDbError {
  readonly code = 'SCHOOLDB_COMMIT_UNCONFIRMED';
  readonly outcome = 'unknown';
  readonly committedLocally = true;
}

/** COMMIT was answered with ROLLBACK: a statement had failed, and the callback went on as if it had not. */
export class TransactionRolledBackError extends SchoolDbError {
  readonly code = 'SCHOOLDB_TRANSACTION_ROLLED_BACK';
  readonly outcome = 'not-executed';
}

/** What was given to `settle()` is no token of this library, is damaged, or belongs to another database. */
export class InvalidTokenError extends SchoolDbError {
  readonly code = 'SCHOOLDB_INVALID_TOKEN';
  readonly outcome = 'not-executed';
}

/** `exactlyOnce: true` was asked for, but the schema `schooldb` is not installed in this database, or not granted. */
export class ExactlyOnceUnavailableError extends SchoolDbError {
  readonly code = 'SCHOOLDB_EXACTLY_ONCE_UNAVAILABLE';
  readonly outcome = 'not-executed';
}
