import { EitherOutcomeError, SchoolDbError } from './base.ts';

/** The client was closed, or is being closed, and takes no new work. */
export class ClientClosedError extends SchoolDbError {
  readonly code = 'SCHOOLDB_CLOSED';
  readonly outcome = 'not-executed';
}

/** The operation was not done by its deadline. `cause` is the last failure on the way there, if there was one. */
export class DeadlineExceededError extends EitherOutcomeError {
  readonly code = 'SCHOOLDB_DEADLINE_EXCEEDED';
}

/** The caller's `signal` was aborted. `cause` is the signal's reason. */
export class OperationAbortedError extends EitherOutcomeError {
  readonly code = 'SCHOOLDB_ABORTED';
}

/** More callers wait for a connection than `maxWaiting` allows. The caller is told at once instead of much later. */
export class WaitingLineFullError extends SchoolDbError {
  readonly code = 'SCHOOLDB_WAITING_LINE_FULL';
  readonly outcome = 'not-executed';
}

/** Somebody else holds the advisory lock, and still did when the time to wait for it was over. */
export class AdvisoryLockBusyError extends SchoolDbError {
  readonly code = 'SCHOOLDB_LOCK_BUSY';
  readonly outcome = 'not-executed';
}
