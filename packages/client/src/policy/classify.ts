/**
 * What a failure means and what follows from it, as data: {@link FAILURES} names the kinds of failure and how each is
 * recognised, {@link judgeFailure} says what a kind means in each phase. Pure.
 *
 * Recognised by SQLSTATE and errno. A text is read in one case only: PgBouncer reports all troubles of its own as
 * 08P01 (`src/proto.c` there), and they mean opposite things.
 *
 * Sources: PostgreSQL manual, appendix "PostgreSQL Error Codes", and `postgres.c`, `syncrep.c`; client-side codes
 * from libuv and Node's TLS.
 */
import type { Outcome } from '../errors/base.ts';

/** How far the statement had come. */
export type FailurePhase =
  /** Nothing of it was handed to a connection: waiting, connecting, signing in, or broken before the first byte. */
  | 'not-sent'
  /** Sent outside a transaction, and not answered. */
  | 'sent'
  /** In a transaction whose COMMIT was not sent. */
  | 'in-transaction'
  /** COMMIT was sent, alone or in one packet with what it commits. It counts as sent from its first byte. */
  | 'committing'
  /** Rows of the result were already handed to the caller. */
  | 'streaming';

/** What doing the statement twice would mean. */
export type StatementSafety =
  /** It has no effect. */
  | 'read'
  /** Doing it twice is the same as doing it once. */
  | 'idempotent'
  /** Everything else. */
  | 'effectful';

export type FailureKind =
  'unreachable' | 'password' | 'rejected' | 'wrong-server' | 'rolled-back' | 'fenced' | 'lost' | 'app';

export type FailureAction =
  /** Again, on any connection. */
  | 'retry'
  /** Again, on another server: this one is not, or not now, the right one. */
  | 'retry-elsewhere'
  /** Again, after the password was read once more; when it is refused again, to the caller. */
  | 'read-password'
  /** Run the whole transaction again, from BEGIN. */
  | 'rerun'
  /** Ask by its mark whether it committed; without a mark, tell the caller that nobody knows. */
  | 'settle'
  /** To the caller, as it is. */
  | 'pass';

export interface FailureVerdict {
  /** What the server may have done. */
  readonly outcome: Outcome;
  readonly action: FailureAction;
}

/** A failure as it was met. */
export interface Failure {
  /** SQLSTATE or errno, where it had one. */
  readonly code?: string | undefined;
  /** The connection went away with it: closed by either side, reset, FATAL, PANIC, or given up after silence. */
  readonly connectionLost?: boolean | undefined;
  /** Read where the code is 08P01, and nowhere else. */
  readonly message?: string | undefined;
}

/** One kind of failure: how it is recognised, and what it means. */
export interface FailureRow {
  readonly kind: FailureKind;
  /** In words, for people. */
  readonly meaning: string;
  readonly sqlStates: readonly string[];
  /** Codes of the socket, of name resolution, of TLS and of this client. */
  readonly errnos: readonly string[];
  /** Texts of PgBouncer's that mean this. */
  readonly poolerTexts?: RegExp;
  /** What it means in each phase; where that depends on it, by what doing the statement twice would mean. */
  readonly verdicts: Readonly<
    Record<FailurePhase, FailureVerdict | Readonly<Record<StatementSafety, FailureVerdict>>>
  >;
}

const RETRY = { outcome: 'not-executed', action: 'retry' } as const;
const ELSEWHERE = { outcome: 'not-executed', action: 'retry-elsewhere' } as const;
const RERUN = { outcome: 'not-executed', action: 'rerun' } as const;
const PASS = { outcome: 'not-executed', action: 'pass' } as const;
const READ_PASSWORD = { outcome: 'not-executed', action: 'read-password' } as const;
const SETTLE = { outcome: 'unknown', action: 'settle' } as const;
const PASS_UNKNOWN = { outcome: 'unknown', action: 'pass' } as const;

/** The server, or a pooler in front of it, took nothing on. */
const NOT_TAKEN_ON = {
  'not-sent': RETRY,
  sent: RETRY,
  'in-transaction': RERUN,
  committing: RERUN,
  streaming: PASS,
} as const;
/** The server rolled back. */
const ROLLED_BACK = NOT_TAKEN_ON;
const FINAL = {
  'not-sent': PASS,
  sent: PASS,
  'in-transaction': PASS,
  committing: PASS,
  streaming: PASS,
} as const;

/** The kinds of failure. What is in no list is `app`, or, if the connection went with it, `lost`. */
export const FAILURES: readonly FailureRow[] = [
  {
    kind: 'unreachable',
    meaning: 'nobody listens, or the server starts, stops or is full: nothing was executed',
    sqlStates: [
      '57P03', // cannot_connect_now
      '53300', // too_many_connections
      '08001', // sqlclient_unable_to_establish_sqlconnection
      '08004', // sqlserver_rejected_establishment_of_sqlconnection
    ],
    errnos: [
      'ECONNREFUSED',
      'EHOSTUNREACH',
      'ENETUNREACH',
      'EHOSTDOWN',
      'ENETDOWN',
      'ETIMEDOUT',
      'ENOTFOUND',
      'EAI_AGAIN',
    ],
    poolerTexts:
      /query_wait_timeout|server_login_retry|client_login_timeout|no more connections allowed|cannot connect|server login failed/,
    verdicts: NOT_TAKEN_ON,
  },
  {
    kind: 'password',
    meaning: 'the password was refused: it may have been rotated since it was read',
    sqlStates: ['28P01'],
    errnos: [],
    poolerTexts: /password authentication failed|SASL authentication failed/,
    verdicts: { ...FINAL, 'not-sent': READ_PASSWORD },
  },
  {
    kind: 'rejected',
    meaning:
      'no such role or database, not allowed in, TLS that does not match: trying again changes nothing',
    sqlStates: [
      '28000', // no such role, or pg_hba.conf says no
      '3D000', // no such database
      '42501', // no CONNECT privilege
    ],
    errnos: [
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
      'SCHOOLDB_TLS_NOT_OFFERED',
      'SCHOOLDB_PASSWORD_MISSING',
    ],
    poolerTexts: /no such (?:database|user)|unsupported startup parameter/,
    verdicts: FINAL,
  },
  {
    kind: 'wrong-server',
    meaning: 'a standby was met where a primary was wanted, or a primary of an older timeline: it refused',
    sqlStates: ['25006'],
    errnos: ['SCHOOLDB_UNSUITABLE_SERVER'],
    verdicts: {
      'not-sent': ELSEWHERE,
      sent: ELSEWHERE,
      'in-transaction': ELSEWHERE,
      committing: ELSEWHERE,
      streaming: PASS,
    },
  },
  {
    kind: 'rolled-back',
    meaning:
      'serialization failure (on a standby: a conflict with recovery) or deadlock: all was rolled back',
    sqlStates: ['40001', '40P01'],
    errnos: [],
    verdicts: ROLLED_BACK,
  },
  {
    kind: 'fenced',
    meaning: 'a later question about this attempt has made it impossible: it was rolled back',
    sqlStates: ['SD001'],
    errnos: [],
    verdicts: { ...ROLLED_BACK, sent: RERUN },
  },
  {
    kind: 'lost',
    meaning: 'the connection broke: what was under way may or may not have happened',
    sqlStates: [
      '57P01', // admin_shutdown; around COMMIT it may stand for a commit that is done (syncrep.c)
      '57P02', // crash_shutdown
      '57P05', // idle_session_timeout
      '25P03', // idle_in_transaction_session_timeout
      '08000',
      '08003',
      '08006',
      '08007', // transaction_resolution_unknown
      '40003', // statement_completion_unknown
    ],
    errnos: ['ECONNRESET', 'ECONNABORTED', 'EPIPE'],
    verdicts: {
      'not-sent': RETRY,
      sent: { read: RETRY, idempotent: RETRY, effectful: SETTLE },
      'in-transaction': RERUN,
      // In one packet with BEGIN and a mark even a read commits something: the mark.
      committing: SETTLE,
      streaming: { read: PASS, idempotent: PASS, effectful: PASS_UNKNOWN },
    },
  },
  {
    kind: 'app',
    meaning: "an SQL error of the app's own",
    sqlStates: [],
    errnos: [],
    // Whatever else a server says while a connection is made may be over in a moment.
    verdicts: { ...FINAL, 'not-sent': RETRY },
  },
];

const VERDICTS = new Map(FAILURES.map(({ kind, verdicts }) => [kind, verdicts]));
const KIND_OF_SQLSTATE = kinds('sqlStates');
const KIND_OF_ERRNO = kinds('errnos');

function kinds(list: 'sqlStates' | 'errnos'): ReadonlyMap<string, FailureKind> {
  return new Map(FAILURES.flatMap((row) => row[list].map((code) => [code, row.kind])));
}

/** With these a server or pooler has said no before it took anything on; any other end of a connection proves nothing. */
const REFUSED_AT_THE_DOOR: ReadonlySet<FailureKind> = new Set(['unreachable', 'password', 'rejected']);
/** What a server says after it has rolled back, on a connection that lives on. */
const ROLLED_BACK_KINDS: ReadonlySet<FailureKind> = new Set(['wrong-server', 'rolled-back', 'fenced']);
/** The session ends with these, whether or not its end was seen yet. */
const ENDS_CONNECTION: ReadonlySet<string> = new Set(['57P01', '57P02', '57P05', '25P03']);

/** Which kind of failure it is. */
export function kindOfFailure(failure: Failure, phase: FailurePhase): FailureKind {
  const { code = '', message = '', connectionLost = false } = failure;
  const said = code === '08P01' ? kindOfPoolerText(message) : KIND_OF_SQLSTATE.get(code);
  const errno = KIND_OF_ERRNO.get(code);
  if (phase === 'not-sent') return said ?? errno ?? (connectionLost ? 'lost' : 'app');
  if (errno === 'wrong-server') return errno;
  // ETIMEDOUT and its like come from open connections too, and then they are as good as a reset.
  if (connectionLost || errno !== undefined || ENDS_CONNECTION.has(code)) {
    return said !== undefined && REFUSED_AT_THE_DOOR.has(said) ? said : 'lost';
  }
  // On a connection that lives on, 08006 and its like are what a foreign server told the statement.
  return said !== undefined && ROLLED_BACK_KINDS.has(said) ? said : 'app';
}

function kindOfPoolerText(message: string): FailureKind | undefined {
  return FAILURES.find(({ poolerTexts }) => poolerTexts?.test(message))?.kind;
}

/**
 * What a failure means for the statement, and what follows from it.
 *
 * @param failure - the error that was met. An abandoned statement counts as a lost connection: giving up is no proof.
 * @param phase - how far the statement had come.
 * @param safety - what doing it twice would mean. In a transaction it makes no difference: the whole is run again.
 */
export function judgeFailure(failure: Failure, phase: FailurePhase, safety: StatementSafety): FailureVerdict {
  const verdict = VERDICTS.get(kindOfFailure(failure, phase))?.[phase] ?? FINAL[phase];
  return 'action' in verdict ? verdict : verdict[safety];
}

/**
 * Whether a standby may be the reason for an SQL error: it refuses writes (25006), unlogged tables and SERIALIZABLE
 * (0A000), and some functions (55000, "recovery is in progress"). Nothing is executed then, and the primary may say
 * otherwise (PostgreSQL manual, "Hot Standby").
 */
export function mayBeForBeingStandby(code: string | undefined): boolean {
  return code === '25006' || code === '0A000' || code === '55000';
}

/** The SQLSTATE or errno of an error that has one. */
export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** An error as {@link judgeFailure} reads it, where it left the connection alive. */
export function failureOf(error: unknown): Failure {
  return { code: codeOf(error), message: error instanceof Error ? error.message : undefined };
}
