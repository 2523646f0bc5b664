import { CommanderError } from 'commander';
import { LANGUAGES, languageOf } from '../config/language.ts';
import { DeployError } from '../errors/deploy-error.ts';
import { defaultLogPath } from '../log/run-log.ts';
import type { CliTexts } from './cli-texts.ts';
import { UsageError } from './command.ts';
import type { Output, RunOutput, Session } from './command.ts';
import { COMMANDS } from './commands/table.ts';
import { EXIT } from './exit-codes.ts';
import type { ExitCode } from './exit-codes.ts';
import { NAME, newProgram } from './program.ts';
import type { Call } from './program.ts';
import { CLI_TEXTS, failureText } from './texts.ts';
import { openLog, unlogged, withLog } from './with-log.ts';

/** Runs one command. Nothing is thrown but what is a mistake of this program itself. */
export async function runCli(args: readonly string[], session: Session, output: Output): Promise<ExitCode> {
  const wanted = askedLanguage(args);
  const language = LANGUAGES.find((known) => known === wanted) ?? languageOf(session.environment);
  const texts = CLI_TEXTS[language];
  const misused = (message: string): ExitCode => {
    output.err(`${NAME}: ${message}`);
    return EXIT.usage;
  };
  if (wanted !== undefined && wanted !== language) return misused(texts.usage.badLanguage(wanted));
  let call: Call | undefined;
  try {
    newProgram(language, output, (each) => (call = each)).parse(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? EXIT.ok : misused(usageMessage(error, texts));
  }
  return call === undefined ? EXIT.ok : runCall(call, args, session, output);
}

async function runCall(
  call: Call,
  args: readonly string[],
  session: Session,
  output: Output,
): Promise<ExitCode> {
  const { command, options } = call;
  if (command.isLogged !== true) return run(call, session, unlogged(output));
  const texts = CLI_TEXTS[options.language];
  const path = options.log ?? defaultLogPath(command.name, session.environment);
  try {
    const log = openLog(path, { isAskedFor: options.log !== undefined }, texts, output);
    return await withLog(log, args, texts, output, (told) => run(call, session, told));
  } catch (error) {
    if (error instanceof DeployError) return failed(error, texts, output);
    throw error;
  }
}

async function run(
  { command, options, values }: Call,
  session: Session,
  output: RunOutput,
): Promise<ExitCode> {
  const texts = CLI_TEXTS[options.language];
  try {
    return await command.run(options, session, output, ...values);
  } catch (error) {
    if (error instanceof DeployError) return failed(error, texts, output);
    if (!(error instanceof UsageError)) throw error;
    output.err(`${NAME}: ${error.message}`);
    return EXIT.usage;
  }
}

function failed({ failure }: DeployError, texts: CliTexts, output: Output): ExitCode {
  output.err(`${NAME}: ${failureText(texts, failure)}`);
  return failure.code === 'locked' ? EXIT.locked : EXIT.failed;
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
    default:
      return message;
  }
}
