/** How an operation is called, and how it may end. */
import { CommitUnconfirmedError, SchoolDbError } from '../../src/index.ts';
import { SqlError } from './protocol.ts';
import type { OperationPlan } from './schedule.ts';

export const OUTCOMES = [
  'ok',
  'result-lost',
  'unconfirmed',
  'unknown',
  'not-executed',
  'sql-error',
  'own-error',
] as const;
export type OutcomeKind = (typeof OUTCOMES)[number];

/** How an operation ended, as its caller was told. */
export interface Ended {
  readonly kind: OutcomeKind | 'untyped';
  readonly at: number;
  readonly error: unknown;
  /** Set where an answer was not the answer to what was asked. */
  readonly wrong?: string;
  /** For a lease, whose statements are answered one by one: what its caller was told of each key. */
  readonly keys?: ReadonlyMap<string, OutcomeKind>;
}

export interface CallOptions {
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly lost?: boolean;
  readonly wrong?: string | undefined;
}

/** The app's own failure inside a callback. */
class OwnError extends Error {}

export function ownError(): Error {
  return new OwnError('the callback throws');
}

/** 'untyped': neither of the client, nor the app's own, nor an SQL error that the operation asked for. */
export function kindOf(error: unknown, plan: OperationPlan): Ended['kind'] {
  if (error instanceof CommitUnconfirmedError) return 'unconfirmed';
  if (error instanceof SchoolDbError) return error.outcome;
  if (error instanceof OwnError) return 'own-error';
  return error instanceof SqlError && expectedCodes(plan).has(error.code) ? 'sql-error' : 'untyped';
}

function expectedCodes(plan: OperationPlan): Set<string> {
  const codes = new Set(plan.code === undefined ? [] : [plan.code]);
  for (const step of plan.steps ?? []) {
    if (step.kind === 'fail') codes.add(step.code);
    // Every statement after a failed one is refused.
    if (step.kind === 'fail-caught') codes.add('25P02');
  }
  return codes;
}
