import { SchoolDbError } from './base.ts';

/** An option is unknown, of the wrong type or out of range; or options contradict each other. Thrown at construction. */
export class InvalidOptionsError extends SchoolDbError {
  readonly code = 'SCHOOLDB_INVALID_OPTIONS';
  readonly outcome = 'not-executed';
}

/** The statement can't be run in the way that was asked for; it was refused before it was sent. */
export class StatementRefusedError extends SchoolDbError {
  readonly code = 'SCHOOLDB_STATEMENT_REFUSED';
  readonly outcome = 'not-executed';
}
