import type { QueryResult, QueryResultRow } from 'pg';
import type { CommitMark } from './commit-slots.ts';
import type { EndpointLease } from '../endpoint/lease.ts';
import { StatementRefusedError } from '../errors/option-errors.ts';
import { codeOf } from '../policy/classify.ts';
import { mayReturnRows } from '../policy/statement-text.ts';
import type { StatementSafety } from '../policy/classify.ts';
import type { Deadline } from '../runtime/deadline.ts';
import { MARK } from '../wire/sql.ts';
import type { Statement, Wire } from '../wire/wire.ts';
import { WireLostError } from '../wire/wire.ts';
import type { AttemptEnd } from './attempt.ts';
import { againOrThrow } from './attempt.ts';
import type { PositionQuestion } from './causality.ts';
import type { CommitEnd } from './commit.ts';
import {
  commit,
  judge,
  judgeCommitFailure,
  rollBack,
  unconfirmedCommit,
  withConfirmation,
} from './commit.ts';
import { unknownOutcome } from './commit-outcome.ts';
import type { Execution } from './execution.ts';
import { verdictOn } from './failure.ts';
import { opening, refusedByGuard } from './opening.ts';

/** The result of a statement, and whether it had to be made up because the server's own was lost. */
export type StatementResult<Row extends QueryResultRow = QueryResultRow> = QueryResult<Row> & {
  /**
   * True where the commit is certain but the connection broke before the result came: `rowCount` is null and `rows`
   * is empty then. Never where the statement returns rows.
   */
  readonly resultLost?: true;
};

const LOST_RESULT: StatementResult<never> = {
  command: '',
  rowCount: null,
  oid: 0,
  fields: [],
  rows: [],
  resultLost: true,
};

interface Sent {
  readonly answers: readonly PromiseSettledResult<QueryResult>[];
  readonly result: QueryResult | undefined;
  readonly end: CommitEnd;
}

/**
 * One statement in a transaction of its own, in one packet where possible: with a mark where it is to happen exactly
 * once, and without one behind a pooler, where the transaction must ask which server it runs on.
 */
export async function attemptInTransaction<Row extends QueryResultRow>(
  { statement, safety }: { readonly statement: Statement; readonly safety: StatementSafety },
  mark: CommitMark | undefined,
  position: PositionQuestion,
  lease: EndpointLease,
  deadline: Deadline,
  execution: Execution,
): Promise<AttemptEnd<StatementResult<Row>>> {
  const { wire } = lease.connection;
  const begin = opening(lease, execution.endpoints.cluster);
  // A text that may return rows needs its result before it commits, at the price of a second round trip: a result
  // that is lost together with the answer to COMMIT can't be had again.
  const inTwo = mark !== undefined && mayReturnRows(statement.text);
  const send = inTwo ? sendInTwo : sendInOne;
  const { answers, result = LOST_RESULT, end } = await send(wire, begin, statement, mark, position);
  if (end.state === 'committed') return { state: 'done', value: result };
  const { error } = end;
  if (end.state === 'unknown' && mark !== undefined)
    return { state: 'unsettled', mark, value: result, cause: end.error };
  if (end.state === 'unknown' || end.state === 'unmarked') {
    // Committed on the primary and not confirmed: that is true whatever the deadline says by now.
    if (!(error instanceof WireLostError)) throw error;
    const verdict = verdictOn(error, 'sent', safety);
    if (deadline.over) throw deadline.error('a statement was running', verdict.outcome, error);
    if (verdict.action !== 'settle') return againOrThrow(error, verdict, lease, execution.clock);
    throw unknownOutcome('it carried no mark that could be asked for', undefined, error);
  }
  const refused = refusedByGuard(answers, lease);
  if (refused !== undefined) return refused;
  if (deadline.over && error instanceof WireLostError)
    throw deadline.error('a statement was running', 'not-executed', error);
  if (mark !== undefined && CANT_RUN_IN_TRANSACTION.has(codeOf(error) ?? '')) throw cantBeOnce(error);
  return againOrThrow(error, verdictOn(error, 'in-transaction', 'effectful'), lease, execution.clock);
}

/** active_sql_transaction (VACUUM and its like), invalid_transaction_termination (CALL or DO that commits) */
const CANT_RUN_IN_TRANSACTION: ReadonlySet<string> = new Set(['25001', '2D000']);

function cantBeOnce(cause: unknown): StatementRefusedError {
  return new StatementRefusedError(
    'exactlyOnce runs the statement in a transaction, in which this one can not run: leave exactlyOnce out',
    { cause },
  );
}

async function sendInOne(
  wire: Wire,
  begin: readonly Statement[],
  statement: Statement,
  mark: CommitMark | undefined,
  position: PositionQuestion,
): Promise<Sent> {
  const marking = mark === undefined ? [] : [{ text: MARK, values: [mark.slot, mark.seq] }];
  const packet = [...begin, statement, ...marking, { text: 'COMMIT' }];
  const { answer: all, unconfirmed } = await withConfirmation(wire, () =>
    wire.flush([...packet, ...position.statements]),
  );
  const [answers, where] = [all.slice(0, packet.length), all[packet.length]];
  const done = answers[begin.length];
  const alone = ranAlone(answers[0], done, unconfirmed);
  if (alone !== undefined) {
    if (alone.end.state === 'committed') position.answered(where);
    return { answers, result: alone.result, end: alone.end };
  }
  const refusal = answers.slice(0, -1).find(isRefusal);
  const result = done?.status === 'fulfilled' ? done.value : undefined;
  // The server said no before COMMIT: that could only roll back then, whether its answer came or not.
  if (refusal !== undefined) return { answers, result, end: { state: 'failed', error: refusal.reason } };
  const ended = answers.at(-1);
  const end =
    ended?.status === 'fulfilled' ? judge(ended.value, unconfirmed) : judgeCommitFailure(ended?.reason);
  if (end.state === 'committed') position.answered(where);
  return { answers, result, end };
}

async function sendInTwo(
  wire: Wire,
  begin: readonly Statement[],
  statement: Statement,
  mark: CommitMark | undefined,
  position: PositionQuestion,
): Promise<Sent> {
  const { answer: answers, unconfirmed } = await withConfirmation(wire, () =>
    wire.flush([...begin, statement]),
  );
  const done = answers.at(-1);
  const alone = ranAlone(answers[0], done, unconfirmed);
  if (alone !== undefined) {
    if (alone.end.state === 'committed') position.answered(undefined);
    return { answers, result: alone.result, end: alone.end };
  }
  const failure = answers.find((each) => each.status === 'rejected');
  if (done?.status === 'fulfilled' && failure === undefined) {
    return { answers, result: done.value, end: await commit(wire, mark, position) };
  }
  await rollBack(wire);
  return { answers, result: undefined, end: { state: 'failed', error: failure?.reason } };
}

/**
 * Where BEGIN itself was refused (cancelled by somebody) the statement behind it ran by itself, and its own answer is
 * what counts. Its mark proves nothing then.
 */
function ranAlone(
  begin: PromiseSettledResult<QueryResult> | undefined,
  done: PromiseSettledResult<QueryResult> | undefined,
  unconfirmed: boolean,
): Pick<Sent, 'result' | 'end'> | undefined {
  if (begin === undefined || !isRefusal(begin)) return undefined;
  if (done?.status === 'fulfilled') {
    const end: CommitEnd = unconfirmed
      ? { state: 'unmarked', error: unconfirmedCommit() }
      : { state: 'committed' };
    return { result: done.value, end };
  }
  const error: unknown = done?.reason;
  const lost = error instanceof WireLostError && error.sent;
  return { result: undefined, end: lost ? { state: 'unmarked', error } : { state: 'failed', error } };
}

function isRefusal(answer: PromiseSettledResult<unknown>): answer is PromiseRejectedResult {
  return answer.status === 'rejected' && !(answer.reason instanceof WireLostError);
}
