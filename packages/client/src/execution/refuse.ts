import { StatementRefusedError } from '../errors/option-errors.ts';
import { copyDirectionOf, isCopyStream, transactionControlIn } from '../policy/statement-text.ts';

/** @throws StatementRefusedError before anything is sent. */
export function refuseCopyStream(text: string): void {
  if (isCopyStream(text)) {
    throw new StatementRefusedError('COPY from or to the client needs a stream: use copyFrom() or copyTo()');
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

/** @throws StatementRefusedError for anything but one COPY in this direction. */
export function refuseUnlessCopy(
  text: string,
  { statements }: { readonly statements: number },
  direction: 'from' | 'to',
): void {
  if (statements === 1 && copyDirectionOf(text) === direction) return;
  const wanted =
    direction === 'from' ? 'copyFrom() takes COPY … FROM STDIN' : 'copyTo() takes COPY … TO STDOUT';
  throw new StatementRefusedError(`${wanted}, alone in its text`);
}
