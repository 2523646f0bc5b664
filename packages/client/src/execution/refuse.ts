import { StatementRefusedError } from '../errors/option-errors.ts';
import { isCopyStream } from '../policy/statement-text.ts';

/** @throws StatementRefusedError before anything is sent. */
export function refuseCopyStream(text: string): void {
  if (isCopyStream(text)) {
    throw new StatementRefusedError(
      'COPY from or to the client needs a stream, which this client does not offer yet',
    );
  }
}
