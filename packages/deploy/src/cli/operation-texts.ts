import type { Language } from '../config/language.ts';

/** What commands say alike that operate a cluster. */
interface OperationTexts {
  interrupted(): string;
  needsYes(): string;
  /** What counts as consent, in lower case. */
  readonly consent: readonly string[];
  declined(): string;
}

export const OPERATION_TEXTS: Record<Language, OperationTexts> = {
  de: {
    interrupted: () => 'Angehalten.',
    needsYes: () => 'es gibt kein Terminal für eine Rückfrage; --yes angeben',
    consent: ['j', 'ja'],
    declined: () => 'Es wurde nichts geändert.',
  },
  en: {
    interrupted: () => 'Stopped.',
    needsYes: () => 'there is no terminal to ask at; add --yes',
    consent: ['y', 'yes'],
    declined: () => 'Nothing was changed.',
  },
};
