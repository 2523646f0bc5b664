import { Command, CommanderError, Option } from 'commander';
import { LANGUAGES, languageOf } from '../config/language.ts';
import type { Language } from '../config/language.ts';
import type { CliTexts } from './cli-texts.ts';
import { DeployError } from '../errors/deploy-error.ts';
import { check, render } from './commands.ts';
import type { Output } from './commands.ts';
import { EXIT } from './exit-codes.ts';
import type { ExitCode } from './exit-codes.ts';
import { CLI_TEXTS, failureText } from './texts.ts';

const NAME = 'deploy:lab';
const COMMANDS = ['check', 'render'].join(', ');

interface LabOptions {
  lab?: string;
}

/** Runs one command. Nothing is thrown but what is a mistake of this program itself. */
export async function runCli(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  output: Output,
): Promise<ExitCode> {
  const wanted = askedLanguage(args);
  const language = LANGUAGES.find((known) => known === wanted) ?? languageOf(environment);
  const texts = CLI_TEXTS[language];
  const fail = (message: string, exitCode: ExitCode): ExitCode => {
    output.err(`${NAME}: ${message}`);
    return exitCode;
  };
  if (wanted !== undefined && wanted !== language) return fail(texts.usage.badLanguage(wanted), EXIT.usage);
  let exitCode: ExitCode = EXIT.ok;
  const program = newProgram(language, output, (code) => (exitCode = code));
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof DeployError) return fail(failureText(texts, error.failure), EXIT.failed);
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? EXIT.ok : fail(usageMessage(error, texts), EXIT.usage);
  }
}

function newProgram(language: Language, output: Output, done: (exitCode: ExitCode) => void): Command {
  const texts = CLI_TEXTS[language];
  const { options, command, file, language: tongue, directory: folder } = texts.words;
  const lang = () => new Option(`--lang ${tongue}`, texts.lang);
  const prepared = (each: Command): Command =>
    each
      .allowExcessArguments(false)
      .helpOption('-h, --help', texts.help)
      .addOption(new Option(`--lab ${file}`, texts.lab))
      .addOption(lang());
  const program = new Command(NAME)
    .description(texts.program)
    .usage(`${command} ${options}`)
    .helpOption('-h, --help', texts.help)
    .helpCommand(false)
    .addOption(lang())
    .addHelpText('after', `\n${texts.exitCodes}`)
    .exitOverride()
    .configureHelp({
      styleTitle: (title) => texts.titles[title] ?? title,
      subcommandTerm: (each) => `${each.name()} ${each.usage()}`,
    })
    .configureOutput({
      writeOut: (text) => output.out(text.trimEnd()),
      // What commander has to say is said in the right language when it throws.
      writeErr: () => {},
    });
  program.action(() => {
    throw new CommanderError(2, 'schooldb.missingCommand', '');
  });
  // Commander takes a word that is no command for an argument.
  program.argument('[command]').allowExcessArguments();
  program.hook('preAction', (_, acting) => {
    const [word] = acting === program ? program.args : [];
    if (word !== undefined) throw new CommanderError(2, 'commander.unknownCommand', `'${word}'`);
  });
  prepared(program.command('check').description(texts.check).usage(options)).action(
    async ({ lab }: LabOptions) => done(await check({ language, ...given(lab) }, output)),
  );
  prepared(program.command('render').description(texts.render).usage(`${folder} ${options}`))
    .argument(folder, texts.renderDirectory)
    .action(async (directory: string, { lab }: LabOptions) =>
      done(await render(directory, { language, ...given(lab) }, output)),
    );
  return program;
}

function given(lab: string | undefined): { lab?: string } {
  return lab === undefined ? {} : { lab };
}

/** Needed before there is a program whose help could be shown. */
function askedLanguage(args: readonly string[]): string | undefined {
  const at = args.findIndex((each) => each === '--lang' || each.startsWith('--lang='));
  const [, attached] = (args[at] ?? '').split('=');
  return attached ?? (at === -1 ? undefined : args[at + 1]);
}

function usageMessage({ code, message }: CommanderError, { usage }: CliTexts): string {
  const [, quoted = ''] = /'([^']*)'/.exec(message) ?? [];
  switch (code) {
    case 'commander.unknownOption':
      return usage.unknownOption(quoted);
    case 'commander.unknownCommand':
      return usage.unknownCommand(quoted, COMMANDS);
    case 'commander.missingArgument':
      return usage.missingArgument(`<${quoted}>`);
    case 'commander.excessArguments':
      return usage.excessArguments();
    case 'commander.optionMissingArgument':
      return usage.optionWithoutValue(quoted);
    case 'schooldb.missingCommand':
      return usage.missingCommand(COMMANDS);
    default:
      return message;
  }
}
