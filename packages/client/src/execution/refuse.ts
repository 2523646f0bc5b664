import { StatementRefusedError } from '../errors/option-errors.ts';
import { isCopyStream, transactionControlIn } from '../policy/statement-text.ts';

/** @throws StatementRefusedError before anything is sent. */
export function refuseCopyStream(text: string): void {
  if (isCopyStream(text)) {
    throw new StatementRefusedError(
      'COPY from or to the client needs a stream, which this client does not offer yet',
    );
  }
}

/** What no single statement may be. @throws StatementRefusedError before anything is sent. */
export function refuseUnfit(text: string): void {
  refuseCopyStream(text);
  const control = transactionControlIn(text);
  if (control !== undefined) {
    throw new StatementRefusedError(
      `${control} as a statement of its own: the next one may run on another connection. Use transaction()`,
    );
  }
}
