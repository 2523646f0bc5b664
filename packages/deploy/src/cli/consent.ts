import type { Language } from '../config/language.ts';
import { UsageError } from './command.ts';
import type { Session } from './command.ts';
import { OPERATION_TEXTS } from './operation-texts.ts';

/**
 * @param message - what to say then.
 * @throws UsageError where nobody can be asked, and nobody has said yes beforehand.
 */
export function requireAsking(
  { ask }: Session,
  yes: boolean,
  language: Language,
  message = OPERATION_TEXTS[language].needsYes(),
): void {
  if (!yes && ask === undefined) throw new UsageError(message);
}

export async function consents(
  { ask }: Session,
  yes: boolean,
  question: string,
  language: Language,
): Promise<boolean> {
  if (yes) return true;
  const answer = (await ask?.(question)) ?? '';
  return OPERATION_TEXTS[language].consent.includes(answer.trim().toLowerCase());
}
