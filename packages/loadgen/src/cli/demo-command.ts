import { Command, Option } from 'commander';
import { formatDuration } from '../options/duration.ts';
import { ENGINES, faultsOfEngine, promoteAfterOf } from '../options/engine.ts';
import type { EngineName } from '../options/engine.ts';
import { faultName } from '../options/fault-schedule.ts';
import { UsageError } from '../options/usage-error.ts';
import type { DemoOptions } from '../demo/run-demo.ts';
import { duration, integer } from './arguments.ts';
import { oneLineErrors, promoteAfterOption } from './load-command.ts';

export interface DemoRequest {
  demo: DemoOptions;
  engine: EngineName;
  jsonPath: string | null;
}

interface Flags {
  clients?: number;
  duration?: number;
  engine: EngineName;
  fault: string;
  promoteAfter?: number;
  short: boolean;
  json?: string;
}

const EXAMPLES = `Examples:
  npm run demo                              kill the primary under 300 clients, twice
  npm run demo -- --promote-after 25s       with the patience that Patroni needs
  npm run demo -- --engine patroni          with Patroni itself, where its packages are installed
  npm run demo -- --fault freeze-primary    it hangs instead of dying
`;

const EXIT_CODES = `
Exit codes: 0 SchoolDB kept its promise (no error, nothing lost, nothing done twice, connections within the budget),
10 it did not, 11 inconclusive, 1 crash, 2 usage, 130 second Ctrl-C.`;

const FULL = { clients: 300, thinkMs: 500, faultAtMs: 10_000, afterwardsMs: 15_000 };
/** Enough to see everything happen, for tests. */
const SHORT = { clients: 60, thinkMs: 200, faultAtMs: 2_000, afterwardsMs: 4_000 };
const MAX_CONNECTIONS = 20;
const PROMOTE_AFTER_MS = 5_000;

/** Reads the command line. @throws CommanderError or UsageError with one line for the user. */
export function parseDemoCommand(argv: readonly string[]): DemoRequest {
  const command = oneLineErrors(newCommand());
  command.parse([...argv], { from: 'user' });
  const flags = command.opts<Flags>();
  const size = flags.short ? SHORT : FULL;
  const promoteAfterMs = promoteAfterOf(flags.engine, flags.promoteAfter, PROMOTE_AFTER_MS);
  const fault = faultName(flags.fault);
  if (!faultsOfEngine(flags.engine).includes(fault))
    throw new UsageError(`--fault: engine ${flags.engine} does not have ${fault}`);
  const durationMs = flags.duration ?? size.faultAtMs + promoteAfterMs + size.afterwardsMs;
  if (durationMs <= size.faultAtMs)
    throw new UsageError(
      `--duration: the fault comes after ${formatDuration(size.faultAtMs)}, the load has to last longer than that`,
    );
  const { thinkMs, faultAtMs } = size;
  return {
    demo: {
      fault,
      faultAtMs,
      promoteAfterMs,
      clients: flags.clients ?? size.clients,
      thinkMs,
      durationMs,
      maxConnections: MAX_CONNECTIONS,
    },
    engine: flags.engine,
    jsonPath: flags.json ?? null,
  };
}

function newCommand(): Command {
  return new Command('demo')
    .description('The same load twice while the primary dies: with plain pg, then with SchoolDB.')
    .addHelpText('before', EXAMPLES)
    .addHelpText('after', EXIT_CODES)
    .addOption(
      new Option('--engine <name>', 'what runs the cluster; patroni needs packages of the operating system')
        .choices(ENGINES)
        .default('embedded'),
    )
    .option('--fault <name>', 'what happens in the middle of each run', 'kill-primary')
    .addOption(promoteAfterOption(PROMOTE_AFTER_MS))
    .option('--clients <n>', 'simulated clients (default: 300)', integer(1, 20_000))
    .option('--duration <time>', 'of each run (default: until well after the promotion)', duration(1_000))
    .option('--short', 'a small, quick run for tests', false)
    .option('--json <file>', 'write both reports as JSON');
}
