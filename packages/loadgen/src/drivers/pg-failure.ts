import { DatabaseError } from 'pg';
import type { Failure } from './driver.ts';

/** Where in its life an attempt was when it failed. */
export type Phase = 'connecting' | 'sent';

/**
 * What an error of pg proves about the statement.
 *
 * Nothing was sent while connecting. Once it was sent, only an ERROR of the server itself is proof that nothing was
 * executed; a lost socket, pg's own timeout and every FATAL (57P01 and its kin arrive while a COMMIT may already be
 * on the disk) leave it open.
 */
export function failureOf(error: unknown, phase: Phase): Failure {
  const { code, message } = describeError(error);
  if (phase === 'connecting') return { outcome: 'fail', code, message };
  return { outcome: isRefusal(error) ? 'fail' : 'unknown', code, message };
}

function isRefusal(error: unknown): boolean {
  return (
    error instanceof DatabaseError &&
    error.severity === 'ERROR' &&
    error.code !== undefined &&
    !error.code.startsWith('08') &&
    !LEAVES_OUTCOME_OPEN.has(error.code)
  );
}

/** Shutdown of the server or the connection, and "statement completion unknown". */
const LEAVES_OUTCOME_OPEN = new Set(['57P01', '57P02', '57P05', '25P03', '40003']);

/** pg's own errors have no code, only these texts. */
const CODE_OF_TEXT: readonly (readonly [start: string, code: string])[] = [
  ['Query read timeout', 'QUERY_TIMEOUT'],
  ['timeout exceeded when trying to connect', 'POOL_TIMEOUT'],
  ['Connection terminated due to connection timeout', 'CONNECT_TIMEOUT'],
  ['timeout expired', 'CONNECT_TIMEOUT'],
  ['Connection terminated', 'CONNECTION_LOST'],
  ['Client has encountered a connection error', 'CONNECTION_LOST'],
];

/** Code and text of any error, in one line each. */
export function describeError(error: unknown): { code: string; message: string } {
  const message = (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' ').trim();
  const code =
    error instanceof Error && 'code' in error && typeof error.code === 'string'
      ? error.code
      : (CODE_OF_TEXT.find(([start]) => message.startsWith(start))?.[1] ?? 'OTHER');
  // Node leaves the text of an attempt at several addresses empty and puts the reasons inside.
  return {
    code,
    message: message === '' && error instanceof AggregateError ? String(error.errors[0]) : message,
  };
}
