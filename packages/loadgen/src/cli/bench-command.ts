import { Command, Option } from 'commander';
import { BEHIND, BENCH_FAULTS } from '../bench/failover-report.ts';
import type { FailoverOptions } from '../bench/failover-report.ts';
import { formatDuration } from '../options/duration.ts';
import { UsageError } from '../options/usage-error.ts';
import { SWEEP_OPERATIONS } from '../sweep/operations.ts';
import type { SweepPlan } from '../sweep/run-sweep.ts';
import { SITUATIONS } from '../sweep/situations.ts';
import { SWEEP_ROUTES } from '../sweep/sweep-report.ts';
import { duration, integer, listOf, namesOf } from './arguments.ts';
import { durationOption, oneLineErrors } from './load-command.ts';

export type BenchRequest = { jsonPath: string | null } & (
  | { bench: 'failover'; options: FailoverOptions }
  | { bench: 'import'; runs: number }
  | { bench: 'idle'; idleMs: number }
  | { bench: 'sweep'; plan: SweepPlan }
);

export const BENCHES = {
  failover: "the client's own share of the outage when the primary goes, again and again",
  import: "the time that import('@schooldb/client') takes",
  idle: 'what an idle client costs the servers, and whether it holds its process',
  sweep: 'the connection cut at every message: is the effect there once, and is the caller told the truth',
} as const;
export type BenchName = keyof typeof BENCHES;

const EXAMPLES = `Examples:
  bench failover --kills 20                          the primary dies 20 times
  bench failover --kills 20 --behind blackhole       and its address stays in the list, and is silent
  bench failover --kills 5 --fault freeze-primary    it hangs instead of dying
  bench import
  bench idle --json -
  bench sweep --situations nothing,promotion         what becomes of a call that is cut at any of its messages
`;

const EXIT_CODES = `
Exit codes: 0 every limit held, 10 a write was lost or done twice, 99 another limit was not held, 1 crash, 2 usage,
130 Ctrl-C.`;

const MOST_KILLS = 1_000;
const MOST_CLIENTS = 2_000;
const MOST_RUNS = 1_000;
const DEFAULT_IDLE_MS = 60_000;
const MOST_MESSAGES = 100;

/**
 * Reads the command line; null asks for the list of benches, which has been printed.
 *
 * @throws CommanderError or UsageError with one line for the user.
 */
export function parseBenchCommand(argv: readonly string[]): BenchRequest | null {
  const name = argv[0];
  if (name !== undefined && !name.startsWith('-') && !(name in BENCHES) && name !== 'help')
    throw new UsageError(`there is no bench '${name}'; there are ${Object.keys(BENCHES).join(', ')}`);
  let request: BenchRequest | null = null;
  const command = newCommand((parsed) => (request = parsed));
  if (name === undefined) command.outputHelp();
  else command.parse([...argv], { from: 'user' });
  return request;
}

function newCommand(found: (request: BenchRequest) => void): Command {
  const command = oneLineErrors(new Command('bench'))
    .description('Measures on a cluster of its own, and holds the figures against limits.')
    .addHelpText('before', EXAMPLES)
    .addHelpText('after', EXIT_CODES);
  const add = (name: BenchName) =>
    oneLineErrors(command.command(name))
      .description(BENCHES[name])
      .option('--json <file>', 'write the report as JSON; - is the standard output');
  add('failover')
    .option('--kills <n>', 'how often', integer(1, MOST_KILLS), 20)
    .addOption(
      new Option('--behind <what>', 'the old address: gone, or still in the list and a black hole')
        .choices(BEHIND)
        .default('refuse'),
    )
    .addOption(
      new Option('--fault <name>', 'how the primary goes').choices(BENCH_FAULTS).default('kill-primary'),
    )
    .option('--clients <n>', 'clients that write', integer(1, MOST_CLIENTS), 50)
    .addOption(
      durationOption('--promote-after <time>', 'from the loss of the primary to the promotion', 0, 1_000),
    )
    .action(({ json, promoteAfter, ...options }: FailoverFlags) =>
      found({
        bench: 'failover',
        options: { ...options, promoteAfterMs: promoteAfter },
        jsonPath: json ?? null,
      }),
    );
  add('import')
    .option('--runs <n>', 'processes of each kind', integer(1, MOST_RUNS), 15)
    .action(({ runs, json }: { runs: number; json?: string }) =>
      found({ bench: 'import', runs, jsonPath: json ?? null }),
    );
  add('idle')
    .addOption(
      new Option('--for <time>', 'how long the client is idle')
        .argParser(duration(1_000))
        .default(DEFAULT_IDLE_MS, formatDuration(DEFAULT_IDLE_MS)),
    )
    .action(({ for: idleMs, json }: { for: number; json?: string }) =>
      found({ bench: 'idle', idleMs, jsonPath: json ?? null }),
    );
  add('sweep')
    .option('--situations <names>', `all of ${namesOf(SITUATIONS)}, or some`, listOf(SITUATIONS))
    .option('--operations <names>', `all of ${namesOf(SWEEP_OPERATIONS)}, or some`, listOf(SWEEP_OPERATIONS))
    .option('--routes <names>', `${namesOf(ROUTES)} (which needs PgBouncer), or both`, listOf(ROUTES))
    .option('--every <n>', 'cut at every n-th message only', integer(1, MOST_MESSAGES), 1)
    .action(({ json, ...flags }: SweepFlags) =>
      found({
        bench: 'sweep',
        plan: {
          situations: flags.situations ?? SITUATIONS,
          operations: flags.operations ?? SWEEP_OPERATIONS,
          routes: (flags.routes ?? ROUTES).map(({ name }) => name),
          every: flags.every,
        },
        jsonPath: json ?? null,
      }),
    );
  return command;
}

const ROUTES = SWEEP_ROUTES.map((name) => ({ name }));

interface SweepFlags extends Partial<Omit<SweepPlan, 'routes' | 'every'>> {
  routes?: typeof ROUTES;
  every: number;
  json?: string;
}

interface FailoverFlags extends Omit<FailoverOptions, 'promoteAfterMs'> {
  promoteAfter: number;
  json?: string;
}
