/**
 * How an operation ended.
 * - `ok`: acknowledged. `ok-dedup`: acknowledged because a repetition found its earlier attempt committed.
 * - `unconfirmed`: committed, but the standby's confirmation was given up; a failover may lose it.
 * - `fail`: proven not executed. `unknown`: it may have happened; when in doubt it is this one, which weakens a
 *   verdict but never fakes a loss or a ghost.
 */
export type Outcome = 'ok' | 'ok-dedup' | 'unconfirmed' | 'fail' | 'unknown';

export interface Success {
  outcome: 'ok' | 'ok-dedup';
  rows: readonly Record<string, unknown>[];
}

export interface Failure {
  outcome: 'unconfirmed' | 'fail' | 'unknown';
  /** What to count it under: an SQLSTATE, an errno name or the library's own code. */
  code: string;
  message: string;
}

/** An operation ends in one of these and never throws: callers see errors, the generator counts them. */
export type Answer = Success | Failure;

export interface Statement {
  text: string;
  values: readonly unknown[];
}

/** The database as one simulated client sees it. */
export interface Session {
  read(statement: Statement): Promise<Answer>;
  /** Sent exactly once where the driver can. */
  write(statement: Statement): Promise<Answer>;
}

export interface Driver {
  session(): Session;
  close(): Promise<void>;
}

/** `naive` is the original script: a connection for each client. */
export type DriverName = 'schooldb' | 'pg' | 'naive';

export function succeeded(answer: Answer): answer is Success {
  return answer.outcome === 'ok' || answer.outcome === 'ok-dedup';
}
