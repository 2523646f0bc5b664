import { relative } from 'node:path';
import type { Lab } from '../config/lab.ts';
import { describeProblem } from '../config/texts.ts';
import { labWarnings } from '../config/warnings.ts';
import type { CommonOptions, Output } from './command.ts';
import { EXIT } from './exit-codes.ts';
import type { ExitCode } from './exit-codes.ts';
import { readLab, SHIPPED_LAB } from './lab-file.ts';
import { CLI_TEXTS, warningText } from './texts.ts';

/** Warnings and mistakes go to standard error, one to a line and its remedy below. */
export async function withLab(
  { lab: path = SHIPPED_LAB, language }: CommonOptions,
  output: Output,
  use: (lab: Lab, path: string) => Promise<ExitCode>,
): Promise<ExitCode> {
  const texts = CLI_TEXTS[language];
  const examined = await readLab(path);
  if (!examined.ok) {
    const file = shownPath(path);
    for (const found of examined.problems) output.err(describeProblem(found, language, file));
    output.err(texts.problems(examined.problems.length, file));
    return EXIT.invalidLab;
  }
  for (const warning of labWarnings(examined.lab)) output.err(warningText(texts, warning));
  return use(examined.lab, path);
}

/** As short as it can be clicked on. */
export function shownPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short === '' || short.startsWith('..') ? path : short;
}
