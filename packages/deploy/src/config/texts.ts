import type { Language } from './language.ts';
import { pathText } from './problem.ts';
import type { Problem, Texts } from './problem.ts';
import { TEXTS_DE } from './texts-de.ts';
import { TEXTS_EN } from './texts-en.ts';

const TEXTS: Record<Language, Texts> = { de: TEXTS_DE, en: TEXTS_EN };

/** `lab.yaml:23: network.addresses.master: 10.0.145.150 lies outside ...`, and what to do on a line of its own. */
export function describeProblem(found: Problem, language: Language, file: string): string {
  // The code decides what the details are, which the type of a union of all of them cannot say.
  const describe = TEXTS[language][found.code] as (details: object) => readonly [string, string];
  const [wrong, remedy] = describe(found.details);
  const place = found.line === undefined ? file : `${file}:${found.line}`;
  const path = found.path.length === 0 ? '' : `${pathText(found.path)}: `;
  return `${place}: ${path}${wrong}\n    ${remedy}`;
}
