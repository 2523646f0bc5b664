import type { Language } from '../config/language.ts';
import type { Pace } from '../kube/pace.ts';
import type { Reach } from '../operations/reach.ts';
import type { ExitCode } from './exit-codes.ts';

/** A text in each language. */
export type Texts = Readonly<Record<Language, string>>;

/** What a command may print to, line by line. */
export interface Output {
  out(line: string): void;
  err(line: string): void;
}

/** What a command may print to, and what only the log of the run is told. */
export interface RunOutput extends Output {
  log(line: string): void;
}

/** What a run of the program lives in. */
export interface Session {
  readonly environment: NodeJS.ProcessEnv;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Asks at the terminal; undefined where there is none. */
  readonly ask?: ((question: string) => Promise<string>) | undefined;
  /** Whether what is shown may be redrawn: at a terminal. @defaultValue false */
  readonly isLive?: boolean;
  /** @defaultValue PACE */
  readonly pace?: Pace;
  /** @defaultValue every address as it is */
  readonly reach?: Reach;
}

/** What every command may be given. */
export interface CommonOptions {
  readonly lab?: string;
  readonly language: Language;
  readonly log?: string;
}

export interface CommandOption {
  /** In kebab-case, without its dashes; `run` gets it in camelCase. */
  readonly name: string;
  /** What stands for its value in usage lines, without brackets; a switch has none. */
  readonly value?: Texts;
  readonly about: Texts;
  /** May be given several times; `run` gets a list. @defaultValue false */
  readonly repeatable?: boolean;
}

export interface CommandArgument {
  /** What stands for it in usage lines, without brackets. */
  readonly word: Texts;
  readonly about: Texts;
}

/** One command of the program: what its help says of it, and what it does. */
export interface Command<Options extends CommonOptions = CommonOptions> {
  readonly name: string;
  readonly about: Texts;
  /** All of them have to be given. @defaultValue none */
  readonly arguments?: readonly CommandArgument[];
  /** Besides `--lab` and `--lang`, which every command has. @defaultValue none */
  readonly options?: readonly CommandOption[];
  /** Taken where no command is named. @defaultValue false */
  readonly isDefault?: boolean;
  /** Whether it keeps a log of the run, and takes `--log`. @defaultValue false */
  readonly isLogged?: boolean;
  /**
   * @param values - of `arguments`, in their order.
   * @throws DeployError for what ends it; UsageError for what it was given.
   */
  run(options: Options, session: Session, output: RunOutput, ...values: string[]): Promise<ExitCode>;
}

/** The program was called in a way that it cannot be called. The message is in the language of the call. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
