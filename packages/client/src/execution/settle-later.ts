import { InvalidTokenError } from '../errors/commit-errors.ts';
import { Deadline } from '../runtime/deadline.ts';
import { operationChannel, traced } from '../runtime/diagnostics.ts';
import { settle } from './commit-outcome.ts';
import type { Execution } from './execution.ts';
import type { Operation } from './operation.ts';
import { databaseSum, readSettleToken } from './settle-token.ts';

/**
 * Asks about a commit whose outcome was unknown when its operation ended.
 *
 * @throws InvalidTokenError, CommitOutcomeUnknownError
 */
export async function settleLater(
  execution: Execution,
  token: string,
  { deadlineMs, signals }: Pick<Operation<boolean>, 'deadlineMs' | 'signals'>,
): Promise<boolean> {
  const { mark, systemId, at, databaseSum: sum } = readSettleToken(token);
  const { database } = execution;
  if (sum !== databaseSum(database)) {
    throw new InvalidTokenError(`the token belongs to another database than '${database}': ask there`);
  }
  return traced(operationChannel, { operation: 'settle', deadlineMs }, async () => {
    const deadline = new Deadline(execution.clock, deadlineMs, signals);
    try {
      return await settle(execution, { mark, systemId, database, at }, deadline);
    } finally {
      deadline.done();
    }
  });
}
