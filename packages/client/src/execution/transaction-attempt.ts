import type { CommitMark } from './commit-slots.ts';
import { StatementRefusedError } from '../errors/option-errors.ts';
import type { EndpointLease } from '../endpoint/lease.ts';
import type { Demand } from '../policy/position.ts';
import { roleWanted } from '../policy/topology.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { TransactionMode } from '../wire/sql.ts';
import { POSITION_INSERTED } from '../wire/sql.ts';
import { WireLostError } from '../wire/wire.ts';
import type { AttemptEnd } from './attempt.ts';
import type { Causality, PositionQuestion } from './causality.ts';
import { questionBehind, questionWhatWasSeen } from './causality.ts';
import { commit, rollBack } from './commit.ts';
import { unknownOutcome } from './commit-outcome.ts';
import type { Execution } from './execution.ts';
import { opening, refusedByGuard } from './opening.ts';
import { flushProven } from './proof.ts';
import { behind } from './replica-read.ts';
import type { Transaction } from './transaction-scope.ts';
import { TransactionScope } from './transaction-scope.ts';
import type { TextTraits } from './transaction-statements.ts';
import { TransactionStatements } from './transaction-statements.ts';

export interface TransactionWork<T> {
  readonly callback: (transaction: Transaction) => Promise<T>;
  readonly mode: TransactionMode;
  /** Whether the callback may be run again. */
  readonly retry: boolean;
  readonly traits: TextTraits;
  /** What a replica must hold for it; undefined where it is no replica, or any will do. */
  readonly demand: Demand | undefined;
  readonly causality: Causality;
}

/**
 * One run of the callback between BEGIN and COMMIT. A connection that breaks before COMMIT was sent, a serialization
 * failure and a deadlock are rolled back by the server: then the whole callback may be run again.
 */
export async function attemptTransaction<T>(
  work: TransactionWork<T>,
  mark: CommitMark | undefined,
  lease: EndpointLease,
  deadline: Deadline,
  execution: Execution,
): Promise<AttemptEnd<T>> {
  const statements = new TransactionStatements(lease, work.traits);
  const refused = await begin(work, statements, lease, deadline, execution);
  if (refused !== undefined) return refused;
  const end = await runAndCommit(work, statements, mark, lease, deadline, execution);
  return end.state === 'done' || end.state === 'behind' || work.retry ? end : { ...end, last: true };
}

/** @returns how the attempt ended, where the callback was not even begun. */
async function begin(
  { mode, demand }: Pick<TransactionWork<unknown>, 'mode' | 'demand'>,
  statements: TransactionStatements,
  lease: EndpointLease,
  deadline: Deadline,
  execution: Execution,
): Promise<AttemptEnd<never> | undefined> {
  const { wire } = lease.connection;
  const beginning = opening(lease, execution.endpoints.cluster, mode);
  try {
    const begun =
      demand === undefined
        ? await wire.flush(beginning)
        : await flushProven(beginning, demand, lease, deadline, execution);
    if (begun === 'behind') return behind(lease);
    const refused = refusedByGuard(begun, lease);
    if (refused !== undefined) await rollBack(wire);
    else statements.throwIfFailed(begun);
    return refused;
  } catch (error) {
    if (deadline.over) throw deadline.error('a transaction was beginning', 'not-executed', error);
    await rollBack(wire);
    return statements.endAfter(error, execution);
  }
}

async function runAndCommit<T>(
  { callback, mode, causality }: TransactionWork<T>,
  statements: TransactionStatements,
  mark: CommitMark | undefined,
  lease: EndpointLease,
  deadline: Deadline,
  execution: Execution,
): Promise<AttemptEnd<T>> {
  const { wire } = lease.connection;
  const scope = new TransactionScope(statements);
  let value: T;
  let mayBeRepeated: boolean;
  try {
    value = await untilOver(callback(scope), deadline);
    await statements.allSent();
    scope.end();
    mayBeRepeated = mode.access === 'read only' || (await statements.onlyRead());
  } catch (error) {
    scope.close();
    if (deadline.over) throw deadline.error('a transaction was running', 'not-executed', error);
    await rollBack(wire);
    return statements.endAfter(error, execution);
  }
  if (wire.lostBecause === undefined && wire.transactionStatus === 'idle') {
    throw new StatementRefusedError(
      'a statement has ended the transaction from within: part of it may be committed',
    );
  }
  if (statements.metSessionState !== undefined) {
    await rollBack(wire);
    return { state: 'again', cause: statements.metSessionState, needs: 'direct' };
  }
  // A mark would be the only thing that a transaction which has only read writes.
  const marked = mayBeRepeated ? undefined : mark;
  const position = positionBehindCommit(mayBeRepeated, statements, causality, lease);
  const end = await commit(wire, marked, position);
  if (end.state === 'committed') return { state: 'done', value };
  if (end.state === 'failed') return statements.endAfter(end.error, execution);
  const lost = end.error instanceof WireLostError;
  if (lost && mayBeRepeated) return { state: 'again', cause: end.error };
  if (marked !== undefined && end.state === 'unknown')
    return { state: 'unsettled', mark: marked, value, cause: end.error };
  throw lost
    ? unknownOutcome('the transaction carried no mark that could be asked for', undefined, end.error)
    : end.error;
}

/** What was read in it was read at its end at the latest. */
function positionBehindCommit(
  hasOnlyRead: boolean,
  { mayCommitAsynchronously }: TransactionStatements,
  causality: Causality,
  { connection, endpoint }: EndpointLease,
): PositionQuestion {
  if (roleWanted(endpoint) === 'standby') return questionWhatWasSeen(causality, connection);
  if (hasOnlyRead) return questionBehind('read', causality, connection);
  const question = questionBehind('write', causality, connection);
  const isAsked = question.statements.length > 0;
  return mayCommitAsynchronously && isAsked
    ? { ...question, statements: [{ text: POSITION_INSERTED }] }
    : question;
}

/** The callback may wait for something that is no statement, which nobody can interrupt: its caller is answered. */
function untilOver<T>(work: Promise<T>, deadline: Deadline): Promise<T> {
  return new Promise((resolve, reject) => {
    const stopWaiting = deadline.onOver(() => reject(new Error('the deadline is over')));
    work.then(resolve, reject).finally(stopWaiting);
  });
}
