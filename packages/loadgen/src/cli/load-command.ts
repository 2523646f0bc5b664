import { Command, Option } from 'commander';
import { parseReplicaAddress, parseTarget } from '../options/connection-string.ts';
import { formatDuration } from '../options/duration.ts';
import { chaosSchedule, parseChaos } from '../options/chaos.ts';
import { ENGINES, faultsOfEngine, promoteAfterOf } from '../options/engine.ts';
import type { EngineName } from '../options/engine.ts';
import { LOAD_FAULTS, leadsToFailover, parseFaultSchedule } from '../options/fault-schedule.ts';
import type { ScheduledFault } from '../options/fault-schedule.ts';
import type { FaultPace, RunOptions } from '../options/run-options.ts';
import { UsageError } from '../options/usage-error.ts';
import type { Target } from '../drivers/target.ts';
import type { WorkloadName } from '../workloads/workload.ts';
import { duration, integer } from './arguments.ts';

/** What the command line asks for. */
export interface LoadRequest {
  run: RunOptions;
  /** Null starts a cluster of its own. */
  target: Target | null;
  engine: EngineName;
  replicas: number;
  synchronous: boolean;
  jsonPath: string | null;
  quiet: boolean;
}

interface Flags {
  clients: number;
  duration: number;
  think: number;
  driver: 'schooldb' | 'pg';
  workload: WorkloadName;
  profile?: 'naive';
  target?: string;
  replicaTarget?: string;
  engine: EngineName;
  fault?: string;
  chaos?: string;
  oneAtATime: boolean;
  promoteAfter?: number;
  maxConnections: number;
  replicas: number;
  asynchronous: boolean;
  seed: number;
  rows: number;
  verify: boolean;
  keep: boolean;
  json?: string;
  quiet: boolean;
}

const EXAMPLES = `Examples:
  loadgen --clients 300                              300 clients on a cluster of its own
  loadgen --fault kill-primary@10s                   the same, and the primary dies
  loadgen --chaos seed=42,every=20s --duration 5m    random faults, the same ones for the same seed
  loadgen --driver pg --fault kill-primary@10s       the same without SchoolDB
  loadgen --profile naive                            the original script: too many clients
  loadgen --target postgres://user@host/database     a database of yours (PGPASSWORD=…)
`;

const EXIT_CODES = `
Exit codes: 0 pass, 10 violation, 11 inconclusive, 1 crash, 2 usage, 3 unreachable, 130 second Ctrl-C.
The first Ctrl-C ends the load, then verifies and reports; the second quits at once.`;

const ONLY_OWN_CLUSTER = [
  'engine',
  'fault',
  'chaos',
  'oneAtATime',
  'promoteAfter',
  'replicas',
  'asynchronous',
] as const;
const MOST_CLIENTS = 20_000;
const MOST_CONNECTIONS = 1_000;
/** The least that the client's own option of this name allows. */
const FEWEST_FOR_SCHOOLDB = 3;
const MOST_ROWS = 10_000_000;
const MOST_REPLICAS = 7;
const PROMOTE_AFTER_MS = 5_000;

/** Reads the command line. @throws CommanderError or UsageError with one line for the user. */
export function parseLoadCommand(argv: readonly string[], environment: NodeJS.ProcessEnv): LoadRequest {
  const command = oneLineErrors(newCommand());
  command.parse([...argv], { from: 'user' });
  const flags = command.opts<Flags>();
  const given = (flag: keyof Flags): boolean => command.getOptionValueSource(flag) === 'cli';
  if (flags.target === undefined) {
    if (given('replicaTarget')) throw new UsageError('--replica-target needs --target');
    if (given('keep')) throw new UsageError('--keep needs --target: its own cluster is gone afterwards');
  } else
    for (const flag of ONLY_OWN_CLUSTER)
      if (given(flag))
        throw new UsageError(`${dashed(flag)} is for a cluster of its own and cannot go with --target`);
  if (flags.fault !== undefined && flags.chaos !== undefined)
    throw new UsageError('--chaos draws the faults: leave --fault away');
  if (flags.oneAtATime && flags.fault === undefined) throw new UsageError('--one-at-a-time needs --fault');
  if (flags.profile === 'naive' && given('driver'))
    throw new UsageError('--profile naive brings its own driver: leave --driver away');
  if (
    flags.profile === undefined &&
    flags.driver === 'schooldb' &&
    flags.maxConnections < FEWEST_FOR_SCHOOLDB
  )
    throw new UsageError(
      `--max-connections: driver schooldb needs ${FEWEST_FOR_SCHOOLDB} or more, two of them for its probes`,
    );
  return {
    run: runOptions(flags, given('workload')),
    target: flags.target === undefined ? null : targetOf(flags, environment),
    engine: flags.engine,
    replicas: flags.replicas,
    synchronous: !flags.asynchronous && flags.replicas > 0,
    jsonPath: flags.json ?? null,
    quiet: flags.quiet,
  };
}

function newCommand(): Command {
  return new Command('loadgen')
    .description(
      'Puts a load on PostgreSQL, breaks the cluster if asked, and proves what became of every write.',
    )
    .addHelpText('before', EXAMPLES)
    .addHelpText('after', EXIT_CODES)
    .option('--clients <n>', 'simulated clients', integer(1, MOST_CLIENTS), 300)
    .addOption(durationOption('--duration <time>', 'how long the load lasts', 1_000, 30_000))
    .addOption(durationOption('--think <time>', 'the pause of a client between two operations', 0, 500))
    .addOption(
      new Option('--driver <name>', 'what the clients use').choices(['schooldb', 'pg']).default('schooldb'),
    )
    .addOption(
      new Option(
        '--workload <name>',
        'ledger: writes and reads that are verified; random-row: the original query',
      )
        .choices(['ledger', 'random-row'])
        .default('ledger'),
    )
    .addOption(
      new Option('--profile <name>', 'naive: the original script, a connection per client').choices([
        'naive',
      ]),
    )
    .option('--target <connection string>', 'a database of yours instead of a cluster of its own')
    .option('--replica-target <connection string>', 'the address of its replicas')
    .addOption(
      new Option('--engine <name>', 'what runs the cluster; patroni needs packages of the operating system')
        .choices(ENGINES)
        .default('embedded'),
    )
    .option(
      '--fault <schedule>',
      `name@at or name(options)@at/for, several with commas: ${LOAD_FAULTS.join(', ')}`,
    )
    .option('--one-at-a-time', 'each fault waits until the cluster is whole again', false)
    .option(
      '--chaos <draw>',
      'random faults one at a time: seed=N,every=TIME, and faults=NAME|NAME, overlap=true',
    )
    .addOption(promoteAfterOption(PROMOTE_AFTER_MS))
    .option('--max-connections <n>', 'connections per endpoint', integer(1, MOST_CONNECTIONS), 20)
    .option('--replicas <n>', 'standbys of the cluster', integer(0, MOST_REPLICAS), 2)
    .option('--asynchronous', 'acknowledge before a standby has confirmed: a failover may lose writes', false)
    .option('--seed <n>', 'of the names and of the mix of operations', integer(0, 2 ** 31 - 1), 1)
    .option('--rows <n>', 'rows of testdaten', integer(1, MOST_ROWS), 10_000)
    .option('--no-verify', 'do not read the ledger back')
    .option('--keep', "leave the run's tables in the target", false)
    .option('--json <file>', 'write the report as JSON')
    .option('--quiet', 'no progress, only the result', false);
}

/** Its default depends on the engine. */
export function promoteAfterOption(embeddedMs: number): Option {
  const description = `from the loss of the primary to the promotion; with patroni its lease (default: ${formatDuration(embeddedMs)}; 20s with patroni)`;
  return new Option('--promote-after <time>', description).argParser(duration(0));
}

export function durationOption(
  flags: string,
  description: string,
  leastMs: number,
  defaultMs: number,
): Option {
  return new Option(flags, description)
    .argParser(duration(leastMs))
    .default(defaultMs, formatDuration(defaultMs));
}

/** Errors of the command line become one line that ends with what to do. */
export function oneLineErrors(command: Command): Command {
  return command
    .exitOverride()
    .showSuggestionAfterError(false)
    .allowExcessArguments(false)
    .configureOutput({
      outputError: (text, write) =>
        write(
          `${command.name()}: ${text
            .replace(/^error: /, '')
            .replaceAll(/\s*\n\s*/g, ' ')
            .trim()} (see --help)\n`,
        ),
    });
}

function runOptions(flags: Flags, workloadGiven: boolean): RunOptions {
  const naive = flags.profile === 'naive';
  return {
    driver: naive ? 'naive' : flags.driver,
    workload: naive && !workloadGiven ? 'random-row' : flags.workload,
    clients: flags.clients,
    thinkMs: flags.think,
    durationMs: flags.duration,
    maxConnections: flags.maxConnections,
    rows: flags.rows,
    seed: flags.seed,
    ...faultsOf(flags),
    promoteAfterMs: promoteAfterOf(flags.engine, flags.promoteAfter, PROMOTE_AFTER_MS),
    verify: flags.verify,
    keep: flags.keep,
  };
}

function faultsOf(flags: Flags): { faults: ScheduledFault[]; pace: FaultPace } {
  const { fault, chaos, duration, engine, replicas, oneAtATime } = flags;
  const promoteAfterMs = promoteAfterOf(engine, flags.promoteAfter, PROMOTE_AFTER_MS);
  if (chaos !== undefined) {
    if (replicas === 0) throw new UsageError('--chaos needs standbys that take over: --replicas 1 or more');
    const drawn = parseChaos(chaos, engine);
    const faults = chaosSchedule(drawn, duration);
    if (faults.length === 0)
      throw new UsageError(
        `--chaos: no fault fits into ${formatDuration(duration)}: give a longer --duration or a shorter every`,
      );
    return { faults, pace: drawn.overlap ? 'on-time' : 'one-at-a-time' };
  }
  const faults = fault === undefined ? [] : parseFaultSchedule(fault);
  for (const scheduled of faults) {
    if (!faultsOfEngine(engine).includes(scheduled.name))
      throw new UsageError(`--fault: engine ${engine} does not have ${scheduled.name}`);
    if (scheduled.atMs >= duration)
      throw new UsageError(
        `--fault: ${scheduled.name} at ${formatDuration(scheduled.atMs)} comes after the end of the load at ${formatDuration(duration)}`,
      );
    if (replicas === 0 && leadsToFailover(scheduled, promoteAfterMs))
      throw new UsageError(
        `--fault: ${scheduled.name} needs a standby that takes over: --replicas 1 or more`,
      );
  }
  return { faults, pace: oneAtATime ? 'one-at-a-time' : 'on-time' };
}

function targetOf(flags: Flags, environment: NodeJS.ProcessEnv): Target {
  const target = parseTarget(flags.target!, environment);
  if (target.tls?.verify === false && flags.driver === 'schooldb' && flags.profile === undefined)
    throw new UsageError(
      '--target: driver schooldb verifies who answers: use sslmode=verify-full with sslrootcert=FILE, or --driver pg',
    );
  return {
    ...target,
    replica: flags.replicaTarget === undefined ? null : parseReplicaAddress(flags.replicaTarget),
  };
}

function dashed(flag: string): string {
  return `--${flag.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
