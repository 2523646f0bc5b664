import { relative } from 'node:path';
import { schemaGrantSql, schemaSql } from '@schooldb/client';
import type { Lab } from '../config/lab.ts';
import type { Language } from '../config/language.ts';
import { describeProblem } from '../config/texts.ts';
import { labWarnings } from '../config/warnings.ts';
import { manifestSteps } from '../manifests/steps.ts';
import { renderFiles } from '../render/files.ts';
import { writeDirectory } from '../render/write-directory.ts';
import { EXIT } from './exit-codes.ts';
import type { ExitCode } from './exit-codes.ts';
import { readCharts, readLab, SHIPPED_LAB } from './lab-file.ts';
import { CLI_TEXTS, warningText } from './texts.ts';

/** What a command may print to, line by line. */
export interface Output {
  out(line: string): void;
  err(line: string): void;
}

export interface CommandOptions {
  readonly lab?: string;
  readonly language: Language;
}

export async function check(
  { lab: path = SHIPPED_LAB, language }: CommandOptions,
  output: Output,
): Promise<ExitCode> {
  const texts = CLI_TEXTS[language];
  return withLab(path, language, output, async (lab) => {
    const nodes = Object.values(lab.hosts).filter(({ role }) => role !== 'services').length;
    const { name: cluster, instances } = lab.cluster;
    output.out(texts.good(shownPath(path), { cluster, instances, nodes, profile: lab.profile }));
    return EXIT.ok;
  });
}

export async function render(
  directory: string,
  { lab: path = SHIPPED_LAB, language }: CommandOptions,
  output: Output,
): Promise<ExitCode> {
  return withLab(path, language, output, async (lab) => {
    const helperSql = `${schemaSql()}\n${schemaGrantSql(lab.cluster.user)}\n`;
    const steps = manifestSteps(lab, { helperSql, chartFiles: await readCharts(lab, path) });
    const files = renderFiles(steps);
    await writeDirectory(directory, files);
    const objects = steps.reduce((sum, { manifests }) => sum + manifests.length, 0);
    output.out(CLI_TEXTS[language].rendered(files.size, objects, directory));
    return EXIT.ok;
  });
}

/** Warnings and mistakes go to standard error, one to a line and its remedy below. */
export async function withLab(
  path: string,
  language: Language,
  output: Output,
  use: (lab: Lab) => Promise<ExitCode>,
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
  return use(examined.lab);
}

/** As short as it can be clicked on. */
function shownPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short === '' || short.startsWith('..') ? path : short;
}
