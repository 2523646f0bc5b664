import type { QueryResult, QueryResultRow } from 'pg';
import type { CommitToken } from '../errors/commit-errors.ts';
import type { Lease } from '../endpoint/lease.ts';
import { leaveIfRetired } from '../endpoint/lease.ts';
import { mayReturnRows } from '../policy/statement-text.ts';
import type { Deadline } from '../runtime/deadline.ts';
import { MARK } from '../wire/sql.ts';
import type { Statement, Wire } from '../wire/wire.ts';
import { WireLostError } from '../wire/wire.ts';
import type { AttemptEnd } from './attempt.ts';
import { afterSqlError } from './attempt.ts';
import type { CommitEnd } from './commit.ts';
import { commit, judge, judgeFailure, rollBack, withConfirmation } from './commit.ts';

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
  readonly result: QueryResult | undefined;
  readonly end: CommitEnd;
}

/** One statement in a transaction of its own that carries a mark, in one packet where possible. */
export async function attemptExactlyOnce<Row extends QueryResultRow>(
  statement: Statement,
  token: CommitToken,
  lease: Lease,
  deadline: Deadline,
): Promise<AttemptEnd<StatementResult<Row>>> {
  const { wire } = lease.connection;
  // A text that may return rows needs its result before it commits, at the price of a second round trip: a result
  // that is lost together with the answer to COMMIT can't be had again.
  const inTwo = mayReturnRows(statement.text);
  const { result = LOST_RESULT, end } = await (inTwo
    ? sendInTwo(lease, statement, token)
    : sendInOne(wire, statement, token));
  if (end.state === 'committed') return { state: 'done', value: result };
  if (end.state === 'unknown') return { state: 'unsettled', token, value: result, cause: end.error };
  if (!(end.error instanceof WireLostError)) return afterSqlError(end.error);
  if (deadline.over) throw deadline.error('a statement was running', 'not-executed', end.error);
  return { state: 'again', cause: end.error };
}

async function sendInOne(wire: Wire, statement: Statement, token: CommitToken): Promise<Sent> {
  const mark = { text: MARK, values: [token.slot, token.seq] };
  const packet = [{ text: 'BEGIN' }, statement, mark, { text: 'COMMIT' }];
  const { answer, unconfirmed } = await withConfirmation(wire, () => wire.flush(packet));
  const refusal = answer.slice(0, 3).find(isRefusal);
  const done = answer[1];
  const result = done?.status === 'fulfilled' ? done.value : undefined;
  // The server said no before COMMIT: that could only roll back then, whether its answer came or not.
  if (refusal !== undefined) return { result, end: { state: 'failed', error: refusal.reason } };
  const ended = answer[3];
  const end = ended?.status === 'fulfilled' ? judge(ended.value, unconfirmed) : judgeFailure(ended?.reason);
  return { result, end };
}

async function sendInTwo(lease: Lease, statement: Statement, token: CommitToken): Promise<Sent> {
  const { wire } = lease.connection;
  const answer = await wire.flush([{ text: 'BEGIN' }, statement]);
  const failure = answer.find((each) => each.status === 'rejected');
  const done = answer[1];
  if (done?.status === 'fulfilled' && failure === undefined) {
    leaveIfRetired(lease);
    return { result: done.value, end: await commit(wire, token) };
  }
  await rollBack(wire);
  return { result: undefined, end: { state: 'failed', error: failure?.reason } };
}

function isRefusal(answer: PromiseSettledResult<unknown>): answer is PromiseRejectedResult {
  return answer.status === 'rejected' && !(answer.reason instanceof WireLostError);
}
