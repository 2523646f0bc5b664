import type { LabWarning } from '../config/warnings.ts';
import type { Failure } from '../errors/deploy-error.ts';

/** A sentence for each code of a union. */
export type ByCode<Union extends { readonly code: string }> = {
  readonly [Code in Union['code']]: (found: Extract<Union, { readonly code: Code }>) => string;
};

/** All that a command says, in one language. */
export interface CliTexts {
  readonly program: string;
  /** commander's own headings. */
  readonly titles: Readonly<Record<string, string>>;
  readonly help: string;
  readonly exitCodes: string;
  readonly lab: string;
  readonly lang: string;
  /** What stands for a value in usage lines. */
  readonly words: Readonly<Record<'options' | 'command' | 'language', string>>;
  readonly usage: {
    unknownOption(option: string): string;
    unknownCommand(command: string, allowed: string): string;
    missingArgument(argument: string): string;
    excessArguments(): string;
    optionWithoutValue(option: string): string;
    badLanguage(given: string): string;
  };
  good(file: string, facts: { cluster: string; instances: number; nodes: number; profile: string }): string;
  problems(count: number, file: string): string;
  logEnd(exitCode: number): string;
  logAt(path: string): string;
  /** @param path - or `HOME`, which is missing. */
  noLog(path: string): string;
  rendered(files: number, objects: number, directory: string): string;
  readonly warnings: ByCode<LabWarning>;
  readonly failures: ByCode<Failure>;
}

/** Somebody else's words, with ours to follow. */
export function sentence(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}
