import { Command, Option } from 'commander';
import { ENGINES, promoteAfterOf } from '../options/engine.ts';
import type { EngineName } from '../options/engine.ts';
import { UsageError } from '../options/usage-error.ts';
import type { LeftoversOptions } from '../soak/run-leftovers.ts';
import type { SoakOptions } from '../soak/run-soak.ts';
import { integer } from './arguments.ts';
import { durationOption, oneLineErrors, promoteAfterOption } from './load-command.ts';

export type SoakRequest = { jsonPath: string | null } & (
  | { soak: 'leftovers'; options: LeftoversOptions }
  | { soak: EngineName; options: SoakOptions; quiet: boolean }
);

export const SOAKS = {
  embedded: 'faults in turn under load, on servers from npm packages and a supervisor of our own',
  patroni: 'the same with Patroni, etcd and HAProxy from packages of the operating system',
  leftovers: 'ends load generators in the middle of random faults, and looks for what they leave behind',
} as const;

const EXAMPLES = `Examples:
  soak patroni --minutes 15
  soak embedded --minutes 2 --clients 50 --seed 7
  soak leftovers --schedules 50
`;

const EXIT_CODES = `
Exit codes: 0 pass, 10 violation, 11 inconclusive, 99 something was left behind, 1 crash, 2 usage,
3 the machine lacks what the engine needs, 130 Ctrl-C.
The first Ctrl-C ends the load, then verifies and reports; the second quits at once.`;

const MOST_MINUTES = 24 * 60;
const MOST_SCHEDULES = 10_000;
const MOST_CLIENTS = 20_000;
const HIGHEST_SEED = 2 ** 31 - 1;
const PROMOTE_AFTER_MS = 5_000;
const MS_PER_MINUTE = 60_000;

interface Flags {
  minutes: number;
  clients: number;
  think: number;
  promoteAfter?: number;
  seed: number;
  json?: string;
  quiet: boolean;
}

/**
 * Reads the command line; null asks for the list of soaks, which has been printed.
 *
 * @throws CommanderError or UsageError with one line for the user.
 */
export function parseSoakCommand(argv: readonly string[]): SoakRequest | null {
  const name = argv[0];
  if (name !== undefined && !name.startsWith('-') && !(name in SOAKS) && name !== 'help')
    throw new UsageError(`there is no soak '${name}'; there are ${Object.keys(SOAKS).join(', ')}`);
  let request: SoakRequest | null = null;
  const command = newCommand((parsed) => (request = parsed));
  if (name === undefined) command.outputHelp();
  else command.parse([...argv], { from: 'user' });
  return request;
}

function newCommand(found: (request: SoakRequest) => void): Command {
  const command = oneLineErrors(new Command('soak'))
    .description('Keeps breaking a cluster of its own, and proves that nothing was lost or left behind.')
    .addHelpText('before', EXAMPLES)
    .addHelpText('after', EXIT_CODES);
  for (const engine of ['embedded', 'patroni'] as const) {
    const soak = oneLineErrors(command.command(engine))
      .description(SOAKS[engine])
      .option('--minutes <n>', 'how long the load lasts', integer(1, MOST_MINUTES), 15)
      .option('--clients <n>', 'simulated clients', integer(1, MOST_CLIENTS), 300)
      .addOption(durationOption('--think <time>', 'the pause of a client between two operations', 0, 500))
      .addOption(promoteAfterOption(PROMOTE_AFTER_MS))
      .option('--seed <n>', 'of the order of the faults and of the load', integer(0, HIGHEST_SEED), 1)
      .option('--json <file>', 'write the report as JSON')
      .option('--quiet', 'no progress, only the result', false);
    soak.action(({ minutes, clients, think, promoteAfter, seed, json, quiet }: Flags) =>
      found({
        soak: engine,
        options: {
          engine,
          durationMs: minutes * MS_PER_MINUTE,
          clients,
          thinkMs: think,
          promoteAfterMs: promoteAfterOf(engine, promoteAfter, PROMOTE_AFTER_MS),
          seed,
        },
        jsonPath: json ?? null,
        quiet,
      }),
    );
  }
  oneLineErrors(command.command('leftovers'))
    .description(SOAKS.leftovers)
    .addOption(new Option('--engine <name>', 'what runs the clusters').choices(ENGINES).default('embedded'))
    .option('--schedules <n>', 'how many', integer(1, MOST_SCHEDULES), 50)
    .option('--seed <n>', 'of the schedules, and of how they end', integer(0, HIGHEST_SEED), 1)
    .option('--json <file>', 'write the report as JSON')
    .action(({ json, ...options }: LeftoversOptions & { json?: string }) =>
      found({ soak: 'leftovers', options, jsonPath: json ?? null }),
    );
  return command;
}
