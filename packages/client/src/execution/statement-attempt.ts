import type { QueryResult } from 'pg';
import type { EndpointLease } from '../endpoint/lease.ts';
import type { StatementSafety } from '../policy/classify.ts';
import { isAtomic } from '../policy/statement-text.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { Statement } from '../wire/wire.ts';
import { WireLostError } from '../wire/wire.ts';
import type { AttemptEnd } from './attempt.ts';
import { againOrThrow } from './attempt.ts';
import type { PositionQuestion } from './causality.ts';
import { unconfirmedCommit, withConfirmation } from './commit.ts';
import { unknownOutcome } from './commit-outcome.ts';
import type { Execution } from './execution.ts';
import { verdictOn } from './failure.ts';

/**
 * One statement outside a transaction, as it is.
 *
 * @param position - the question to be asked behind it, in the same packet.
 */
export async function attemptStatement(
  statement: Statement,
  safety: StatementSafety,
  position: PositionQuestion,
  lease: EndpointLease,
  deadline: Deadline,
  execution: Execution,
): Promise<AttemptEnd<QueryResult>> {
  const { wire } = lease.connection;
  try {
    const { answer: answers, unconfirmed } = await withConfirmation(wire, () =>
      wire.flush([statement, ...position.statements]),
    );
    const [answer, where] = answers;
    if (answer?.status !== 'fulfilled') throw answer?.reason;
    if (!unconfirmed || safety === 'read') {
      position.answered(where);
      return { state: 'done', value: answer.value };
    }
  } catch (error) {
    const verdict = verdictOn(error, 'sent', safety);
    if (deadline.over && error instanceof WireLostError)
      throw deadline.error('a statement was running', verdict.outcome, error);
    if (verdict.action === 'settle')
      throw unknownOutcome('it carried no mark that could be asked for', undefined, error as Error);
    // Of what may commit in between, a part may stay although the end was rolled back.
    const mayBeHalfDone =
      !(error instanceof WireLostError) && safety === 'effectful' && !isAtomic(statement.text);
    if (mayBeHalfDone && verdict.action === 'retry') throw error;
    return againOrThrow(error, verdict, lease, execution.clock);
  }
  throw unconfirmedCommit();
}
