/** Stable and documented: what programs compare. A code is never reused for something else. */
export type ErrorCode =
  | 'SCHOOLDB_INVALID_OPTIONS'
  | 'SCHOOLDB_CLOSED'
  | 'SCHOOLDB_DEADLINE_EXCEEDED'
  | 'SCHOOLDB_ABORTED'
  | 'SCHOOLDB_WAITING_LINE_FULL'
  | 'SCHOOLDB_LOCK_BUSY'
  | 'SCHOOLDB_CONNECTION_REJECTED'
  | 'SCHOOLDB_CONNECTION_LOST'
  | 'SCHOOLDB_ENDPOINT_DOWN'
  | 'SCHOOLDB_UNSUITABLE_SERVER'
  | 'SCHOOLDB_COMMIT_OUTCOME_UNKNOWN'
  | 'SCHOOLDB_COMMIT_UNCONFIRMED'
  | 'SCHOOLDB_TRANSACTION_ROLLED_BACK'
  | 'SCHOOLDB_INVALID_TOKEN'
  | 'SCHOOLDB_EXACTLY_ONCE_UNAVAILABLE'
  | 'SCHOOLDB_STATEMENT_REFUSED';

/** What the server may have done when an operation failed. */
export type Outcome =
  /** Proven: nothing of it happened. Repeating is safe. */
  | 'not-executed'
  /** It may have happened. Repeating may do it twice. */
  | 'unknown';

/** Base of every error that SchoolDB makes. SQL errors of the app are not among them: they pass through untouched. */
export abstract class SchoolDbError extends Error {
  /** Stable and documented; what programs compare. */
  abstract readonly code: ErrorCode;
  /** What the server may have done. Retry reads this, never the message. */
  abstract readonly outcome: Outcome;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** An error after which it depends on the moment what the server may have done. */
export abstract class EitherOutcomeError extends SchoolDbError {
  readonly outcome: Outcome;

  constructor(message: string, outcome: Outcome, options?: ErrorOptions) {
    super(message, options);
    this.outcome = outcome;
  }
}
