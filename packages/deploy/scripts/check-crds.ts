/**
 * `pnpm check:crds --crds FOLDER`: holds the shipped labs' objects against CRDs as their projects publish them, more
 * strictly than an API server does. Exit codes: 0 all right, 1 something does not fit, 2 wrong usage.
 */
import { existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { examineLab } from '../src/config/examine.ts';
import { describeProblem } from '../src/config/texts.ts';
import { CrdChecker } from './crds/check-lab.ts';
import { shippedText, SHIPPED_LABS, stepsOf } from './crds/shipped.ts';
import { readCrds } from './crds/upstream.ts';

const USAGE = 'check:crds --crds FOLDER [--lab FILE]';

process.exitCode = main();

function main(): number {
  const given = options();
  if (given === undefined) return 2;
  const { crds: folder, lab } = given;
  if (folder === undefined || !existsSync(folder))
    return usage(folder === undefined ? 'the option --crds is missing' : `there is no folder ${folder}`);
  const crds = readCrds(folder);
  if (crds.length === 0) return usage(`${folder} holds no CustomResourceDefinition (*.yaml)`);
  if (lab !== undefined && !existsSync(lab)) return usage(`there is no file ${lab}`);
  const texts =
    lab === undefined
      ? SHIPPED_LABS.map((file) => ({ file, text: shippedText(file) }))
      : [{ file: lab, text: readFileSync(lab, 'utf8') }];
  const checker = new CrdChecker(crds);
  return texts.map(({ file, text }) => checkFile(file, text, checker)).every(Boolean) ? 0 : 1;
}

function checkFile(file: string, text: string, checker: CrdChecker): boolean {
  const examined = examineLab(text);
  if (!examined.ok) {
    for (const found of examined.problems) console.error(describeProblem(found, 'en', file));
    return false;
  }
  const { checked, problems, unchecked } = checker.check(stepsOf(examined.lab));
  for (const each of problems) console.error(each);
  const outside = unchecked.length === 0 ? '' : `; no CRD here for ${unchecked.join(', ')}`;
  console.log(`${file}: ${checked.length} checks, ${problems.length} problems${outside}`);
  return problems.length === 0;
}

function options(): { crds?: string | undefined; lab?: string | undefined } | undefined {
  try {
    return parseArgs({ options: { crds: { type: 'string' }, lab: { type: 'string' } } }).values;
  } catch (error) {
    usage((error as Error).message);
    return undefined;
  }
}

function usage(message: string): number {
  console.error(`${message}\nUsage: ${USAGE}`);
  return 2;
}
