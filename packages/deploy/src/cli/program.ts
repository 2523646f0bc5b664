import { Command as Program, CommanderError, Option } from 'commander';
import type { Language } from '../config/language.ts';
import type { Command, CommandOption, CommonOptions, Output } from './command.ts';
import { FILE, LOG } from './commands/shared-options.ts';
import { COMMANDS } from './commands/table.ts';
import { CLI_TEXTS } from './texts.ts';

export const NAME = 'deploy:lab';

/** A command with what it was given. */
export interface Call {
  readonly command: Command;
  readonly options: CommonOptions;
  readonly values: readonly string[];
}

/** The table of commands as commander takes it: help, options and arguments in one language. */
export function newProgram(language: Language, output: Output, called: (call: Call) => void): Program {
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
  for (const command of COMMANDS) {
    added(program, command, language).action((...given: unknown[]) => {
      // Commander gives the arguments, then the options, then itself.
      const [options, acting] = given.splice(-2) as [Omit<CommonOptions, 'language'>, Program];
      const [word] = acting.args;
      // Without a command it takes a word that is none for an argument of the default one.
      if (command.isDefault === true && word !== undefined)
        throw new CommanderError(2, 'commander.unknownCommand', `'${word}'`);
      called({ command, options: { ...options, language }, values: given as string[] });
    });
  }
  return program;
}

function added(program: Program, command: Command, language: Language): Program {
  const texts = CLI_TEXTS[language];
  const { name, about, arguments: args = [], options = [], isDefault = false, isLogged = false } = command;
  const words = args.map(({ word }) => `<${word[language]}>`);
  const each = program
    .command(name, { isDefault })
    .description(about[language])
    .usage([...words, texts.words.options].join(' '))
    .allowExcessArguments(isDefault)
    .helpOption('-h, --help', texts.help)
    .addOption(new Option(`--lab <${FILE[language]}>`, texts.lab))
    .addOption(langOption(language));
  for (const [at, argument] of args.entries()) each.argument(words[at] ?? '', argument.about[language]);
  for (const option of isLogged ? [...options, LOG] : options)
    each.addOption(commanderOption(option, language));
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
