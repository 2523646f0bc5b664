import { Command, CommanderError, Option } from 'commander';
import { LANGUAGES, languageOf } from '../config/language.ts';
import type { Language } from '../config/language.ts';
import type { CliTexts } from './cli-texts.ts';
import { DeployError } from '../errors/deploy-error.ts';
import { STEP_IDS } from '../manifests/manifest.ts';
import { apply, plan } from './cluster-commands.ts';
import type { Session } from './cluster-commands.ts';
import { check, render } from './commands.ts';
import type { Output } from './commands.ts';
import { EXIT } from './exit-codes.ts';
import type { ExitCode } from './exit-codes.ts';
import { CLI_TEXTS, CLUSTER_TEXTS, failureText } from './texts.ts';

const NAME = 'deploy:lab';
const COMMANDS = ['check', 'render', 'plan', 'apply'].join(', ');

interface LabOptions {
  lab?: string;
}

interface ClusterCommandOptions extends LabOptions {
  kubeconfig?: string;
}

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
    if (error instanceof DeployError) return fail(failureText(texts, error.failure), EXIT.failed);
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? EXIT.ok : fail(usageMessage(error, texts), EXIT.usage);
  }
}

function newProgram(
  language: Language,
  session: Session,
  output: Output,
  done: (exitCode: ExitCode) => void,
): Command {
  const texts = CLI_TEXTS[language];
  const { options, command, file, language: tongue, directory: folder, step, object } = texts.words;
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
  const cluster = CLUSTER_TEXTS[language];
  const reaching = (each: Command): Command =>
    prepared(each.usage(options)).addOption(new Option(`--kubeconfig ${file}`, cluster.kubeconfig));
  reaching(program.command('plan').description(cluster.plan))
    .addOption(new Option('--json', cluster.json))
    .action(async (chosen: ClusterCommandOptions & { json?: boolean }) =>
      done(await plan({ ...chosen, language }, session, output)),
    );
  reaching(program.command('apply').description(cluster.apply))
    .addOption(new Option('--yes', cluster.yes))
    .addOption(new Option(`--only ${step}`, cluster.only(STEP_IDS.join(', '))))
    .addOption(
      new Option(`--force ${object}`, cluster.force).argParser<string[]>(
        (value, before: string[] | undefined) => [...(before ?? []), value],
      ),
    )
    .action(async (chosen: ClusterCommandOptions & { force?: string[]; yes?: boolean; only?: string }) =>
      done(await apply({ ...chosen, language }, session, output)),
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
