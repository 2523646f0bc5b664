import type { Language } from '../config/language.ts';
import type { CliTexts } from './cli-texts.ts';
import { CLI_TEXTS_DE } from './texts-de.ts';
import { CLI_TEXTS_EN } from './texts-en.ts';

export const CLI_TEXTS: Record<Language, CliTexts> = { de: CLI_TEXTS_DE, en: CLI_TEXTS_EN };
