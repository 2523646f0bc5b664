/**
 * What a failure means. Pure: decided on SQLSTATE and errno; texts are never read.
 *
 * Sources: PostgreSQL manual, appendix "PostgreSQL Error Codes"; client-side codes from libuv and Node's TLS.
 */

export type ConnectFailure =
  /** Trying again later may work: nobody listens, the server starts, recovers or is full. */
  | 'try-later'
  /** The password was refused: it may have been rotated, read it once more. */
  | 'password'
  /** Trying again changes nothing. */
  | 'rejected';

/** Errors of Node's TLS that say that the certificate or the protocol does not match what was asked for. */
const TLS_MISMATCH = new Set([
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_SIGNATURE_FAILURE',
  // Ours: the server answered the request for TLS with no (pg gives this case no code).
  'SCHOOLDB_TLS_NOT_OFFERED',
]);

/**
 * @param code - SQLSTATE or errno of the error that ended the attempt to connect; undefined where it had none.
 */
export function classifyConnectFailure(code: string | undefined): ConnectFailure {
  if (code === undefined) return 'try-later';
  if (code === '28P01') return 'password';
  // 28000: no such role, or pg_hba.conf says no. 3D000: no such database. 42501: no CONNECT privilege.
  if (code === 'SCHOOLDB_PASSWORD_MISSING') return 'rejected';
  if (code === '28000' || code === '3D000' || code === '42501') return 'rejected';
  if (TLS_MISMATCH.has(code)) return 'rejected';
  return 'try-later';
}

export type StatementFailure =
  /** The app's own: passed through untouched. */
  | 'app'
  /** The server rolled the transaction back; running the whole of it again is safe and may succeed. */
  | 'rolled-back';

/** What an ERROR that left the connection alive means. FATAL and PANIC count as a lost connection instead. */
export function classifyStatementFailure(sqlState: string | undefined): StatementFailure {
  // serialization_failure (on a standby: a conflict with recovery) and deadlock_detected
  return sqlState === '40001' || sqlState === '40P01' ? 'rolled-back' : 'app';
}

/** What the caller says of a statement. */
export type StatementSafety =
  /** It has no effect. */
  | 'read'
  /** Doing it twice is the same as doing it once. */
  | 'idempotent'
  /** Everything else. */
  | 'effectful';

/**
 * What a connection that was lost under a statement outside a transaction means. Whether it is repeated is another
 * question: an idempotent statement is, and may have happened all the same.
 *
 * @param sent - whether anything of it had been handed to the socket.
 */
export function outcomeOfLostConnection(sent: boolean, safety: StatementSafety): 'not-executed' | 'unknown' {
  return sent && safety !== 'read' ? 'unknown' : 'not-executed';
}

/** The SQLSTATE or errno of an error that has one. */
export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}
