import type { Language } from '../config/language.ts';
import type { LabWarning } from '../config/warnings.ts';
import type { Failure } from '../errors/deploy-error.ts';
import type { CliTexts } from './cli-texts.ts';
import { CLUSTER_TEXTS_DE } from './cluster-texts-de.ts';
import { CLUSTER_TEXTS_EN } from './cluster-texts-en.ts';
import type { ClusterTexts } from './cluster-texts.ts';
import { CLI_TEXTS_DE } from './texts-de.ts';
import { CLI_TEXTS_EN } from './texts-en.ts';

export const CLI_TEXTS: Record<Language, CliTexts> = { de: CLI_TEXTS_DE, en: CLI_TEXTS_EN };
export const CLUSTER_TEXTS: Record<Language, ClusterTexts> = { de: CLUSTER_TEXTS_DE, en: CLUSTER_TEXTS_EN };

// The code decides what else there is, which the type of a union of all functions cannot say.
export function warningText(texts: CliTexts, found: LabWarning): string {
  return (texts.warnings[found.code] as (each: LabWarning) => string)(found);
}

export function failureText(texts: CliTexts, found: Failure): string {
  return (texts.failures[found.code] as (each: Failure) => string)(found);
}
