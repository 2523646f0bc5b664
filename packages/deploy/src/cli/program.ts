import { Command as Program, CommanderError, Option } from 'commander';
import type { Language } from '../config/language.ts';
import type { Command, CommandOption, CommonOptions, Output, Session } from './command.ts';
import { FILE } from './commands/shared-options.ts';
import { COMMANDS } from './commands/table.ts';
import type { ExitCode } from './exit-codes.ts';
import { CLI_TEXTS } from './texts.ts';

export const NAME = 'deploy:lab';

/** The table of commands as commander takes it: help, options and arguments in one language. */
export function newProgram(
  language: Language,
  session: Session,
  output: Output,
  done: (exitCode: ExitCode) => void,
): Program {
  const texts = CLI_TEXTS[language];
  const program = new Program(NAME)
    .description(texts.program)
    .usage(`${texts.words.command} ${texts.words.options}`)
    .helpOption('-h, --help', texts.help)
    .helpCommand(false)
    .addOption(langOption(language))
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
  for (const command of COMMANDS) {
    added(program, command, language).action(async (...given: unknown[]) => {
      // Commander gives the arguments, then the options, then itself.
      const [options] = given.splice(-2) as [Omit<CommonOptions, 'language'>];
      done(await command.run({ ...options, language }, session, output, ...(given as string[])));
    });
  }
  return program;
}

function added(program: Program, command: Command, language: Language): Program {
  const texts = CLI_TEXTS[language];
  const { name, about, arguments: args = [], options = [] } = command;
  const words = args.map(({ word }) => `<${word[language]}>`);
  const each = program
    .command(name)
    .description(about[language])
    .usage([...words, texts.words.options].join(' '))
    .allowExcessArguments(false)
    .helpOption('-h, --help', texts.help)
    .addOption(new Option(`--lab <${FILE[language]}>`, texts.lab))
    .addOption(langOption(language));
  for (const [at, argument] of args.entries()) each.argument(words[at] ?? '', argument.about[language]);
  for (const option of options) each.addOption(commanderOption(option, language));
  return each;
}

function commanderOption({ name, value, about, repeatable }: CommandOption, language: Language): Option {
  const option = new Option(
    value === undefined ? `--${name}` : `--${name} <${value[language]}>`,
    about[language],
  );
  if (repeatable !== true) return option;
  return option.argParser<string[]>((next, before: string[] | undefined) => [...(before ?? []), next]);
}

function langOption(language: Language): Option {
  const { words, lang } = CLI_TEXTS[language];
  return new Option(`--lang ${words.language}`, lang);
}
