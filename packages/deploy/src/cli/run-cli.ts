import { CommanderError } from 'commander';
import { LANGUAGES, languageOf } from '../config/language.ts';
import { DeployError } from '../errors/deploy-error.ts';
import type { CliTexts } from './cli-texts.ts';
import { UsageError } from './command.ts';
import type { Output, Session } from './command.ts';
import { COMMANDS } from './commands/table.ts';
import { EXIT } from './exit-codes.ts';
import type { ExitCode } from './exit-codes.ts';
import { NAME, newProgram } from './program.ts';
import { CLI_TEXTS, failureText } from './texts.ts';

/** Runs one command. Nothing is thrown but what is a mistake of this program itself. */
export async function runCli(args: readonly string[], session: Session, output: Output): Promise<ExitCode> {
  const wanted = askedLanguage(args);
  const language = LANGUAGES.find((known) => known === wanted) ?? languageOf(session.environment);
  const texts = CLI_TEXTS[language];
  const fail = (message: string, exitCode: ExitCode): ExitCode => {
    output.err(`${NAME}: ${message}`);
    return exitCode;
  };
  if (wanted !== undefined && wanted !== language) return fail(texts.usage.badLanguage(wanted), EXIT.usage);
  let exitCode: ExitCode = EXIT.ok;
  const program = newProgram(language, session, output, (code) => (exitCode = code));
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof DeployError) {
      const exitCode = error.failure.code === 'locked' ? EXIT.locked : EXIT.failed;
      return fail(failureText(texts, error.failure), exitCode);
    }
    if (error instanceof UsageError) return fail(error.message, EXIT.usage);
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? EXIT.ok : fail(usageMessage(error, texts), EXIT.usage);
  }
}

/** Needed before there is a program whose help could be shown. */
function askedLanguage(args: readonly string[]): string | undefined {
  const at = args.findIndex((each) => each === '--lang' || each.startsWith('--lang='));
  const [, attached] = (args[at] ?? '').split('=');
  return attached ?? (at === -1 ? undefined : args[at + 1]);
}

function usageMessage({ code, message }: CommanderError, { usage }: CliTexts): string {
  const [, quoted = ''] = /'([^']*)'/.exec(message) ?? [];
  const commands = COMMANDS.map(({ name }) => name).join(', ');
  switch (code) {
    case 'commander.unknownOption':
      return usage.unknownOption(quoted);
    case 'commander.unknownCommand':
      return usage.unknownCommand(quoted, commands);
    case 'commander.missingArgument':
      return usage.missingArgument(`<${quoted}>`);
    case 'commander.excessArguments':
      return usage.excessArguments();
    case 'commander.optionMissingArgument':
      return usage.optionWithoutValue(quoted);
    case 'schooldb.missingCommand':
      return usage.missingCommand(commands);
    default:
      return message;
  }
}
