import type { QueryResult } from 'pg';
import type { Lease } from '../endpoint/lease.ts';
import { outcomeOfLostConnection } from '../policy/classify.ts';
import type { StatementSafety } from '../policy/classify.ts';
import { isAtomic } from '../policy/statement-text.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { Statement } from '../wire/wire.ts';
import { WireLostError } from '../wire/wire.ts';
import type { AttemptEnd } from './attempt.ts';
import { afterSqlError } from './attempt.ts';
import { unconfirmedCommit, withConfirmation } from './commit.ts';
import { unknownOutcome } from './commit-outcome.ts';

/** One statement outside a transaction, as it is. */
export async function attemptStatement(
  statement: Statement,
  safety: StatementSafety,
  lease: Lease,
  deadline: Deadline,
): Promise<AttemptEnd<QueryResult>> {
  const { wire } = lease.connection;
  try {
    const { answer, unconfirmed } = await withConfirmation(wire, () => wire.query(statement));
    if (unconfirmed && safety !== 'read') throw unconfirmedCommit();
    return { state: 'done', value: answer };
  } catch (error) {
    if (!(error instanceof WireLostError)) {
      // Of what may commit in between, a part may stay although the end was rolled back.
      if (safety === 'effectful' && !isAtomic(statement.text)) throw error;
      return afterSqlError(error);
    }
    const outcome = outcomeOfLostConnection(error.sent, safety);
    if (deadline.over) throw deadline.error('a statement was running', outcome, error);
    if (outcome === 'unknown' && safety === 'effectful')
      throw unknownOutcome('it carried no mark that could be asked for', undefined, error);
    return { state: 'again', cause: error, mayHaveHappened: outcome === 'unknown' };
  }
}
