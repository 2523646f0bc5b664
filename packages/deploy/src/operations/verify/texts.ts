import type { Language } from '../../config/language.ts';
import { VERIFY_TEXTS_DE } from './verify-texts-de.ts';
import { VERIFY_TEXTS_EN } from './verify-texts-en.ts';
import type { VerifyTexts } from './verify-texts.ts';

export const VERIFY_TEXTS: Record<Language, VerifyTexts> = { de: VERIFY_TEXTS_DE, en: VERIFY_TEXTS_EN };
