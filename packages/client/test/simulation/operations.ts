/** The operations of a schedule, as an app would write them. Alone in knowing how the client is called. */
import type { SchoolDb, Session, Transaction } from '../../src/index.ts';
import { SchoolDbError } from '../../src/index.ts';
import { performLease } from './lease-operations.ts';
import { APP_TEXTS } from './model/statements.ts';
import type { LeaseObserver, Row, ScanObserver } from './operation-observers.ts';
import type { Answer, CallOptions, Ended, OutcomeKind } from './outcomes.ts';
import { kindOf, ownError } from './outcomes.ts';
import type { LeaseKind, OperationKind, OperationPlan, Step } from './schedule.ts';
import { isLease } from './schedule.ts';
import { pass, statementOf, stepKey } from './steps.ts';
import type { SimTime } from './time.ts';

/** Who is asked: the client itself, or one of its sessions. */
export type Caller = SchoolDb | Session;

/** Begins the operation. The promise never rejects. */
export async function perform(
  db: Caller,
  plan: OperationPlan,
  time: SimTime,
  observer: ScanObserver & LeaseObserver,
): Promise<Ended> {
  const keys = new Map<string, OutcomeKind>();
  const told = isLease(plan.kind) ? { keys } : {};
  const controller = new AbortController();
  const abort =
    plan.abortAfterMs === undefined
      ? undefined
      : time.afterForApp(plan.abortAfterMs, () => controller.abort(new Error('the caller gave up')));
  try {
    const options = { deadlineMs: plan.deadlineMs, signal: controller.signal };
    const { lost, wrong } = isLease(plan.kind)
      ? await performLease[plan.kind](db as SchoolDb, plan, options, { time, observer, keys })
      : await call(db, plan, options, time, observer);
    const kind = lost ? 'result-lost' : 'ok';
    return { kind, at: time.now, error: undefined, ...(wrong === undefined ? {} : { wrong }), ...told };
  } catch (error) {
    return { kind: kindOf(error, plan), at: time.now, error, ...told };
  } finally {
    abort?.cancel();
  }
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
  if (plan.kind === 'copy') return copyIn(db as SchoolDb, plan, options, time);
  if (plan.kind === 'scan') return scan(db, plan, options, observer);
  if (plan.kind === 'visit') return visit(db, plan, options, time, observer);
  const { text, of, safety, exactlyOnce, returns } = STATEMENTS[plan.kind as keyof typeof STATEMENTS];
  const values = plan.kind === 'notify' ? [plan.channel, plan.id] : [argumentOf(plan)];
  const more = { ...(safety && { safety }), ...(exactlyOnce && { exactlyOnce }) };
  const result = await db[of](text, values, { ...options, ...more });
  if (returns === 'error') return { wrong: 'a statement that fails was answered with a success' };
  if (returns === 'row') return {};
  return returns === 'key' ? keyOf(result, plan.id) : countOf(result);
}

function argumentOf({ kind, code, id }: OperationPlan): string | undefined {
  return kind === 'failing' ? code : id;
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

async function copyIn(
  db: SchoolDb,
  plan: OperationPlan,
  options: CallOptions,
  time: SimTime,
): Promise<Answer> {
  const keys = copiedKeys(plan);
  const source = async function* () {
    for (const key of keys) {
      yield `${key}\n`;
      if (plan.restMs !== undefined) await pass(time, plan.restMs);
    }
    if (plan.breaks === true) throw ownError();
  };
  const { rowCount } = await db.copyFrom(APP_TEXTS.copy, source(), options);
  if (rowCount === null) return { lost: true };
  return rowCount === keys.length ? {} : { wrong: `${keys.length} rows were copied, told were ${rowCount}` };
}

function copiedKeys({ id, rows = 2 }: OperationPlan): string[] {
  return Array.from({ length: rows }, (_, index) => `${id}.${index}`);
}

interface StatementCall {
  readonly of: 'read' | 'write' | 'query';
  readonly text: string;
  readonly returns: 'count' | 'key' | 'row' | 'error';
  readonly safety?: 'read' | 'idempotent';
  readonly exactlyOnce?: true;
}

const { count, insert, insertReturning, notify, put, read, raise } = APP_TEXTS;

type Composed =
  LeaseKind | 'copy' | 'transaction' | 'transaction-unmarked' | 'transaction-read-only' | 'scan' | 'visit';

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
  notify: { of: 'query', text: notify, returns: 'row' },
};

async function runSteps(transaction: Transaction, plan: OperationPlan, time: SimTime): Promise<Answer> {
  for (const [index, step] of (plan.steps ?? []).entries())
    await runStep(transaction, plan, step, index, time);
  return {};
}

async function runStep(
  transaction: Transaction,
  plan: OperationPlan,
  step: Step,
  index: number,
  time: SimTime,
): Promise<void> {
  if (step.kind === 'wait') await pass(time, step.ms);
  else if (step.kind === 'throw') throw ownError();
  else {
    const { text, values } = statementOf(plan, step, index);
    const answer = transaction.query(text, values);
    await (step.kind === 'fail-caught' ? answer.catch(() => {}) : answer);
  }
}

const WRITES_NO_KEY: ReadonlySet<OperationKind> = new Set([
  'read',
  'query-read',
  'query-routed',
  'read-refused',
  'scan',
  'transaction-read-only',
  'failing',
  'notify',
  'stream',
  'listen',
]);

/** The keys that the operation writes if it happens. */
export function keysOf(plan: OperationPlan): string[] {
  if (WRITES_NO_KEY.has(plan.kind)) return [];
  if (plan.kind === 'copy') return copiedKeys(plan);
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
