import type { LabWarning } from '../config/warnings.ts';
import type { CliFailure } from './cli-error.ts';

/** All that a command says, in one language. */
export interface CliTexts {
  readonly program: string;
  /** commander's own headings. */
  readonly titles: Readonly<Record<string, string>>;
  readonly help: string;
  readonly exitCodes: string;
  readonly lab: string;
  readonly lang: string;
  readonly check: string;
  readonly render: string;
  readonly renderDirectory: string;
  readonly argumentsWord: { readonly options: string; readonly command: string };
  readonly usage: {
    unknownOption(option: string): string;
    unknownCommand(command: string, allowed: string): string;
    missingCommand(allowed: string): string;
    missingArgument(argument: string): string;
    excessArguments(): string;
    optionWithoutValue(option: string): string;
    badLanguage(given: string): string;
  };
  good(file: string, facts: { cluster: string; instances: number; nodes: number; profile: string }): string;
  problems(count: number, file: string): string;
  rendered(files: number, objects: number, directory: string): string;
  warning(found: LabWarning): string;
  failure(found: CliFailure): string;
}
