/** The operations of a schedule, as an app would write them. Alone in knowing how the client is called. */
import type { SchoolDb, Session, Transaction } from '../../src/index.ts';
import { CommitUnconfirmedError, SchoolDbError } from '../../src/index.ts';
import { APP_TEXTS } from './model/statements.ts';
import { SqlError } from './protocol.ts';
import type { OperationKind, OperationPlan, TransactionStep } from './schedule.ts';
import type { SimTime } from './time.ts';

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
}

/** Who is asked: the client itself, or one of its sessions. */
export type Caller = SchoolDb | Session;

/** A row as a scan returns it. */
export interface Row {
  readonly key: string;
  readonly version: string;
}

/** Follows what is read. */
export interface ScanObserver {
  /** @returns to be called with what the scan has returned. */
  scanning(plan: OperationPlan): (rows: readonly Row[]) => void;
  /** A part of the operation is done, and its caller knows. */
  wrote(plan: OperationPlan): void;
}

/** The app's own failure inside a callback. */
class OwnError extends Error {}

/** Begins the operation. The promise never rejects. */
export async function perform(
  db: Caller,
  plan: OperationPlan,
  time: SimTime,
  observer: ScanObserver,
): Promise<Ended> {
  const controller = new AbortController();
  const abort =
    plan.abortAfterMs === undefined
      ? undefined
      : time.afterForApp(plan.abortAfterMs, () => controller.abort(new Error('the caller gave up')));
  try {
    const options = { deadlineMs: plan.deadlineMs, signal: controller.signal };
    const { lost, wrong } = await call(db, plan, options, time, observer);
    const kind = lost ? 'result-lost' : 'ok';
    return { kind, at: time.now, error: undefined, ...(wrong === undefined ? {} : { wrong }) };
  } catch (error) {
    return { kind: kindOf(error, plan), at: time.now, error };
  } finally {
    abort?.cancel();
  }
}

interface CallOptions {
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

interface Answer {
  readonly lost?: boolean;
  readonly wrong?: string | undefined;
}

async function call(
  db: Caller,
  plan: OperationPlan,
  options: CallOptions,
  time: SimTime,
  observer: ScanObserver,
): Promise<Answer> {
  if (plan.kind === 'transaction-read-only') return scanInTransaction(db, plan, options, observer);
  if (plan.kind.startsWith('transaction')) {
    const marks = plan.kind === 'transaction' ? {} : { exactlyOnce: false };
    return db.transaction((transaction) => runSteps(transaction, plan, time), { ...options, ...marks });
  }
  if (plan.kind === 'scan') return scan(db, plan, options, observer);
  if (plan.kind === 'visit') return visit(db, plan, options, time, observer);
  const { text, of, safety, exactlyOnce, returns } = STATEMENTS[plan.kind as keyof typeof STATEMENTS];
  const values = [plan.kind === 'failing' ? plan.code : plan.id];
  const more = { ...(safety && { safety }), ...(exactlyOnce && { exactlyOnce }) };
  const result = await db[of](text, values, { ...options, ...more });
  if (returns === 'error') return { wrong: 'a statement that fails was answered with a success' };
  return returns === 'key' ? keyOf(result, plan.id) : countOf(result);
}

async function scan(
  db: Caller,
  plan: OperationPlan,
  options: CallOptions,
  observer: ScanObserver,
): Promise<Answer> {
  const scanned = observer.scanning(plan);
  scanned((await db.query<Row & Record<string, unknown>>(APP_TEXTS.scan, [], options)).rows);
  return {};
}

async function scanInTransaction(
  db: Caller,
  plan: OperationPlan,
  options: CallOptions,
  observer: ScanObserver,
): Promise<Answer> {
  const scanned = observer.scanning(plan);
  const readOnly = { ...options, access: 'read only' } as const;
  scanned(
    await db.transaction(
      async (tx) => (await tx.query<Row & Record<string, unknown>>(APP_TEXTS.scan)).rows,
      readOnly,
    ),
  );
  return {};
}

/** What a user does: saves something, and looks. That the looking fails changes nothing of what was saved. */
async function visit(
  db: Caller,
  plan: OperationPlan,
  options: CallOptions,
  time: SimTime,
  observer: ScanObserver,
): Promise<Answer> {
  const endsAt = time.now + options.deadlineMs;
  const answer = countOf(await db.write(APP_TEXTS.insert, [plan.id], options));
  observer.wrote(plan);
  for (let look = 0; look < 3; look += 1) {
    const deadlineMs = Math.floor(endsAt - time.now);
    if (deadlineMs < 1) return answer;
    try {
      await scan(db, plan, { ...options, deadlineMs }, observer);
    } catch (error) {
      if (!(error instanceof SchoolDbError) || error.outcome === 'unknown') throw error;
      return answer;
    }
  }
  return answer;
}

interface StatementCall {
  readonly of: 'read' | 'write' | 'query';
  readonly text: string;
  readonly returns: 'count' | 'key' | 'error';
  readonly safety?: 'read' | 'idempotent';
  readonly exactlyOnce?: true;
}

const { count, insert, insertReturning, put, read, raise } = APP_TEXTS;

type Composed = 'transaction' | 'transaction-unmarked' | 'transaction-read-only' | 'scan' | 'visit';

const STATEMENTS: Readonly<Record<Exclude<OperationKind, Composed>, StatementCall>> = {
  write: { of: 'write', text: insert, returns: 'count' },
  'query-write': { of: 'query', text: insert, returns: 'count' },
  'write-returning': { of: 'write', text: insertReturning, returns: 'key' },
  idempotent: { of: 'write', text: put, returns: 'count', safety: 'idempotent' },
  once: { of: 'write', text: insert, returns: 'count', exactlyOnce: true },
  'once-returning': { of: 'write', text: insertReturning, returns: 'key', exactlyOnce: true },
  read: { of: 'read', text: read, returns: 'key' },
  'query-read': { of: 'query', text: read, returns: 'key', safety: 'read' },
  'query-routed': { of: 'query', text: read, returns: 'key' },
  // It writes after all: a standby says no, and the primary does it.
  'read-refused': { of: 'read', text: count, returns: 'count' },
  failing: { of: 'query', text: raise, returns: 'error' },
};

async function runSteps(transaction: Transaction, plan: OperationPlan, time: SimTime): Promise<Answer> {
  for (const [index, step] of (plan.steps ?? []).entries())
    await runStep(transaction, plan, step, index, time);
  return {};
}

async function runStep(
  transaction: Transaction,
  plan: OperationPlan,
  step: TransactionStep,
  index: number,
  time: SimTime,
): Promise<void> {
  switch (step.kind) {
    case 'insert':
      await transaction.query(APP_TEXTS.insert, [stepKey(plan, index)]);
      break;
    case 'read':
      await transaction.query(APP_TEXTS.read, [stepKey(plan, index)]);
      break;
    case 'scan':
      await transaction.query(APP_TEXTS.scan);
      break;
    case 'count':
      await transaction.query(APP_TEXTS.count, [step.id]);
      break;
    case 'sleep':
      await transaction.query(APP_TEXTS.sleep, [step.ms]);
      break;
    case 'wait':
      await new Promise<void>((resolve) => time.afterForApp(step.ms, resolve));
      break;
    case 'fail':
      await transaction.query(APP_TEXTS.raise, [step.code]);
      break;
    case 'fail-caught':
      await transaction.query(APP_TEXTS.raise, [step.code]).catch(() => {});
      break;
    case 'throw':
      throw new OwnError('the callback throws');
  }
}

function stepKey(plan: OperationPlan, index: number): string {
  return `${plan.id}.${index}`;
}

const WRITES_NO_KEY: ReadonlySet<OperationKind> = new Set([
  'read',
  'query-read',
  'query-routed',
  'read-refused',
  'scan',
  'transaction-read-only',
  'failing',
]);

/** The keys that the operation writes if it happens. */
export function keysOf(plan: OperationPlan): string[] {
  if (WRITES_NO_KEY.has(plan.kind)) return [];
  if (plan.steps === undefined) return [plan.id];
  return plan.steps.flatMap((step, index) => (step.kind === 'insert' ? [stepKey(plan, index)] : []));
}

function countOf(result: { rowCount: number | null; resultLost?: true }): Answer {
  if (result.resultLost) return { lost: true };
  return result.rowCount === 1 ? {} : { wrong: `one row was written, but rowCount is ${result.rowCount}` };
}

function keyOf(result: { rows: { key?: unknown }[]; resultLost?: true }, id: string): Answer {
  if (result.resultLost) return { lost: true, wrong: 'the rows of a statement that returns some were lost' };
  const key = result.rows[0]?.key;
  return key === id ? {} : { wrong: `asked for ${id}, answered with ${String(key)}` };
}

/** 'untyped': neither of the client, nor the app's own, nor an SQL error that the operation asked for. */
function kindOf(error: unknown, plan: OperationPlan): Ended['kind'] {
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
