import type { Language } from '../config/language.ts';

/** What commands say alike that operate a cluster. */
interface OperationTexts {
  interrupted(): string;
}

export const OPERATION_TEXTS: Record<Language, OperationTexts> = {
  de: { interrupted: () => 'Angehalten.' },
  en: { interrupted: () => 'Stopped.' },
};
