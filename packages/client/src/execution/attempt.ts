import type { CommitToken } from '../errors/commit-errors.ts';
import { classifyStatementFailure, codeOf } from '../policy/classify.ts';

/** How one attempt ended, where it did not end the operation with an error. */
export type AttemptEnd<T> =
  | { readonly state: 'done'; readonly value: T }
  /** Proven not executed, or harmless to repeat, and worth another attempt. */
  | {
      readonly state: 'again';
      readonly cause: Error;
      /** An idempotent statement was lost under way: if the operation ends without another try, nobody knows. */
      readonly mayHaveHappened?: boolean;
    }
  /** COMMIT was sent, its answer is missing, and its mark can be asked for. `value` is the result if it committed. */
  | { readonly state: 'unsettled'; readonly token: CommitToken; readonly value: T; readonly cause: Error };

/** What a failed statement or COMMIT means where the server rolled back and the connection lives on. */
export function afterSqlError(error: unknown): AttemptEnd<never> {
  if (error instanceof Error && classifyStatementFailure(codeOf(error)) === 'rolled-back') {
    return { state: 'again', cause: error };
  }
  throw error;
}
