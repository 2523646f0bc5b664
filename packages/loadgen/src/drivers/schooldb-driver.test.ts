import {
  CommitOutcomeUnknownError,
  CommitUnconfirmedError,
  DeadlineExceededError,
  WaitingLineFullError,
} from '@schooldb/client';
import { DatabaseError } from 'pg';
import { describe, expect, it } from 'vitest';
import { clientFailure } from './schooldb-driver.ts';

const sqlError = (code: string, severity: string) =>
  Object.assign(new DatabaseError('x', 0, 'error'), { code, severity });

describe('clientFailure', () => {
  it.each([
    ['fail', new WaitingLineFullError('x')],
    ['fail', new DeadlineExceededError('x', 'not-executed')],
    ['unknown', new DeadlineExceededError('x', 'unknown')],
    ['unknown', new CommitOutcomeUnknownError('x', undefined)],
    ['unconfirmed', new CommitUnconfirmedError('x')],
    ['fail', sqlError('23505', 'ERROR')],
    ['unknown', sqlError('08006', 'ERROR')],
    ['unknown', sqlError('57P01', 'FATAL')],
  ])('takes as %s: %s', (outcome, error) => {
    expect(clientFailure(error).outcome).toBe(outcome);
  });

  it("counts the library's errors under their own codes", () => {
    expect(clientFailure(new WaitingLineFullError('x')).code).toBe('SCHOOLDB_WAITING_LINE_FULL');
  });
});
