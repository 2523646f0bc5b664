import { EitherOutcomeError, SchoolDbError } from './base.ts';

/**
 * The server answered and said no in a way that trying again does not mend: wrong password, unknown database or
 * role, refused by pg_hba.conf, TLS that does not match. `cause` is the server's or TLS's own error.
 */
export class ConnectionRejectedError extends SchoolDbError {
  readonly code = 'SCHOOLDB_CONNECTION_REJECTED';
  readonly outcome = 'not-executed';
}

/** A connection broke. Callers see it only where SchoolDB may not repeat the operation for them. */
export class ConnectionLostError extends EitherOutcomeError {
  readonly code = 'SCHOOLDB_CONNECTION_LOST';
}

/** No server stands behind the endpoint right now. Reads then go to the master; callers do not see this error. */
export class EndpointDownError extends SchoolDbError {
  readonly code = 'SCHOOLDB_ENDPOINT_DOWN';
  readonly outcome = 'not-executed';
}

/** The address led to a server of the wrong role or of an older timeline than one already seen. */
export class UnsuitableServerError extends SchoolDbError {
  readonly code = 'SCHOOLDB_UNSUITABLE_SERVER';
  readonly outcome = 'not-executed';
}
