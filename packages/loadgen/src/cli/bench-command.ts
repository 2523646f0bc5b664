import { Command, Option } from 'commander';
import { BEHIND, BENCH_FAULTS } from '../bench/failover-report.ts';
import { faultCases } from '../bench/fault-cases.ts';
import type { FailoverOptions } from '../bench/failover-report.ts';
import { MODES } from '../bench/forced-loss-report.ts';
import type { ForcedLossOptions, Mode } from '../bench/forced-loss-report.ts';
import type { DropInOptions } from '../bench/run-drop-in.ts';
import type { MatrixOptions } from '../bench/run-faults.ts';
import { formatDuration } from '../options/duration.ts';
import { ENGINES, promoteAfterOf } from '../options/engine.ts';
import type { EngineName } from '../options/engine.ts';
import { UsageError } from '../options/usage-error.ts';
import { SWEEP_OPERATIONS } from '../sweep/operations.ts';
import { SITUATIONS, situationsOf } from '../sweep/situations.ts';
import type { Situation } from '../sweep/situations.ts';
import { SWEEP_ROUTES } from '../sweep/sweep-report.ts';
import type { SweepPlan } from '../sweep/sweep-report.ts';
import { duration, integer, listOf, namesOf } from './arguments.ts';
import { durationOption, oneLineErrors, promoteAfterOption } from './load-command.ts';

export type BenchRequest = { jsonPath: string | null } & (
  | { bench: 'failover'; options: FailoverOptions }
  | { bench: 'forced-loss'; options: ForcedLossOptions }
  | { bench: 'faults'; options: MatrixOptions; writePath: string | null }
  | { bench: 'import'; runs: number }
  | { bench: 'drop-in'; options: DropInOptions }
  | { bench: 'idle'; idleMs: number }
  | { bench: 'sweep'; plan: SweepPlan }
);

export const BENCHES = {
  failover: "the client's own share of the outage when the primary goes, again and again",
  'forced-loss':
    'whether the checker finds every write that asynchronous replication loses, and none that it does not',
  faults: 'what callers meet in every fault, with plain pg and with SchoolDB, as a table',
  'drop-in': 'what the drop-in for pg costs beside pg.Pool, at equal settings',
  import: "the time that import('@schooldb/client') takes",
  idle: 'what an idle client costs the servers, and whether it holds its process',
  sweep: 'the connection cut at every message: is the effect there once, and is the caller told the truth',
} as const;
export type BenchName = keyof typeof BENCHES;

const EXAMPLES = `Examples:
  bench failover --kills 20                          the primary dies 20 times
  bench failover --kills 20 --behind blackhole       and its address stays in the list, and is silent
  bench failover --kills 5 --fault freeze-primary    it hangs instead of dying
  bench forced-loss --runs 20 --seed 7               writes that must get lost, and writes that must not
  bench faults --engine all --write packages/local-cluster/README.md
  bench drop-in
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
const HIGHEST_SEED = 2 ** 31 - 1;
const LOSS_PROMOTE_AFTER_MS = 500;
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
  add('forced-loss')
    .addOption(engineOption())
    .option('--runs <n>', 'of each mode', integer(1, MOST_RUNS), 20)
    .option('--seed <n>', 'of how many writes each run makes', integer(0, HIGHEST_SEED), 1)
    .addOption(promoteAfterOption(LOSS_PROMOTE_AFTER_MS))
    .action(({ json, promoteAfter, ...options }: ForcedLossFlags) =>
      found({
        bench: 'forced-loss',
        options: {
          ...options,
          promoteAfterMs: promoteAfterOf(options.engine, promoteAfter, LOSS_PROMOTE_AFTER_MS),
        },
        jsonPath: json ?? null,
      }),
    );
  add('faults')
    .addOption(
      new Option('--engine <name>', 'what runs the cluster').choices([...ENGINES, 'all']).default('embedded'),
    )
    .option('--only <names>', 'these faults, with commas (default: all that the engine has)')
    .addOption(
      new Option('--replication <mode>', 'how commits are confirmed')
        .choices([...MODES, 'both'])
        .default('both'),
    )
    .option('--clients <n>', 'of each driver', integer(1, MOST_CLIENTS), 10)
    .option('--write <file>', 'put the tables between their marks in this Markdown file')
    .action((flags: MatrixFlags) =>
      found({
        bench: 'faults',
        options: matrixOptions(flags),
        writePath: flags.write ?? null,
        jsonPath: flags.json ?? null,
      }),
    );
  add('drop-in')
    .option('--rounds <n>', 'of about a second, for each workload', integer(1, MOST_RUNS), 40)
    .option('--clients <n>', 'callers at the same time', integer(1, MOST_CLIENTS), 50)
    .action(({ json, ...options }: DropInOptions & { json?: string }) =>
      found({ bench: 'drop-in', options, jsonPath: json ?? null }),
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
    .addOption(engineOption())
    .option(
      '--situations <names>',
      `all that the engine can make, or some of ${namesOf(SITUATIONS)}`,
      listOf(SITUATIONS),
    )
    .option('--operations <names>', `all of ${namesOf(SWEEP_OPERATIONS)}, or some`, listOf(SWEEP_OPERATIONS))
    .option('--routes <names>', `${namesOf(ROUTES)} (which needs PgBouncer), or both`, listOf(ROUTES))
    .option('--every <n>', 'cut at every n-th message only', integer(1, MOST_MESSAGES), 1)
    .action(({ json, ...flags }: SweepFlags) =>
      found({
        bench: 'sweep',
        plan: {
          engine: flags.engine,
          situations: situationsFor(flags),
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

interface SweepFlags extends Partial<Omit<SweepPlan, 'engine' | 'routes' | 'every'>> {
  engine: EngineName;
  routes?: typeof ROUTES;
  every: number;
  json?: string;
}

function situationsFor({ engine, situations }: SweepFlags): readonly Situation[] {
  const possible = situationsOf(engine);
  const foreign = situations?.find((situation) => !possible.includes(situation));
  if (foreign !== undefined)
    throw new UsageError(
      `--situations: '${foreign.name}' can't be made with engine ${engine}, which has ${namesOf(possible)}`,
    );
  return situations ?? possible;
}

function engineOption(): Option {
  return new Option('--engine <name>', 'what runs the cluster').choices(ENGINES).default('embedded');
}

interface MatrixFlags {
  engine: EngineName | 'all';
  only?: string;
  replication: Mode | 'both';
  clients: number;
  write?: string;
  json?: string;
}

function matrixOptions({ engine, only, replication, clients, write }: MatrixFlags): MatrixOptions {
  if (write !== undefined && (only !== undefined || replication !== 'both'))
    throw new UsageError('--write puts whole tables in place: leave --only and --replication away');
  const engines = engine === 'all' ? ENGINES : [engine];
  const known = [...new Set(engines.flatMap((each) => faultCases(each).map(({ name }) => name)))];
  const faults = only?.split(',').map((text) => {
    const name = known.find((each) => each === text.trim());
    if (name === undefined)
      throw new UsageError(`--only: there is no fault '${text}' to measure; there are ${known.join(', ')}`);
    return name;
  });
  return {
    engines,
    faults: faults ?? null,
    modes: replication === 'both' ? MODES : [replication],
    clients,
  };
}

interface ForcedLossFlags extends Omit<ForcedLossOptions, 'promoteAfterMs'> {
  promoteAfter?: number;
  json?: string;
}

interface FailoverFlags extends Omit<FailoverOptions, 'promoteAfterMs'> {
  promoteAfter: number;
  json?: string;
}
