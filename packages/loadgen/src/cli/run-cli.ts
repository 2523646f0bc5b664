import { CommanderError } from 'commander';
import { ClusterError } from '@schooldb/local-cluster';
import { UsageError } from '../options/usage-error.ts';
import { Cleanup } from '../run/cleanup.ts';
import { TargetError } from '../bed/target-error.ts';
import { within } from '../measure/pause.ts';
import { EXIT } from './exit-codes.ts';
import type { ExitCode } from './exit-codes.ts';

export interface CliContext {
  /** Aborted by the first Ctrl-C: end the load, then verify and report. */
  signal: AbortSignal;
  /** What has to be gone when the program ends, also after a second Ctrl-C. */
  cleanup: Cleanup;
}

/** What is still there after this goes with the program: the cluster's own guard ends what its parent left. */
const CLEANUP_LIMIT_MS = 20_000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Runs a program of this package with its signals and exit codes. */
export async function runCli(name: string, main: (context: CliContext) => Promise<ExitCode>): Promise<void> {
  const stop = new AbortController();
  const cleanup = new Cleanup();
  let quit = false;
  for (const signal of SIGNALS)
    process.on(signal, () => {
      quit = stop.signal.aborted;
      stop.abort();
      if (quit) void closeAll(name, cleanup).finally(() => process.exit(EXIT.interrupted));
    });
  let exitCode: ExitCode;
  try {
    exitCode = await main({ signal: stop.signal, cleanup });
  } catch (error) {
    exitCode = stop.signal.aborted ? EXIT.interrupted : explain(name, error);
  }
  // Whatever becomes of a run whose cluster is being taken away: the second signal ends the program.
  if (quit) return;
  await closeAll(name, cleanup);
  // Not left to the event loop: a hung connection of a driver under test must not keep the program.
  process.exit(exitCode);
}

async function closeAll(name: string, cleanup: Cleanup): Promise<void> {
  try {
    await within(CLEANUP_LIMIT_MS, 'cleaning up', cleanup.run());
  } catch (error) {
    process.stderr.write(`${name}: ${(error as Error).message}\n`);
  }
}

/** One line for what the user can mend; the stack only for what is our own mistake. */
function explain(name: string, error: unknown): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof UsageError) return tell(name, error, EXIT.usage);
  if (error instanceof TargetError) return tell(name, error, EXIT.unreachable);
  if (error instanceof ClusterError)
    return tell(name, error, error.code === 'environment' ? EXIT.unreachable : EXIT.crash);
  process.stderr.write(`${name}: ${error instanceof Error ? error.stack : String(error)}\n`);
  return EXIT.crash;
}

function tell(name: string, error: Error, exitCode: ExitCode): ExitCode {
  process.stderr.write(`${name}: ${error.message.replaceAll(/\s*\n\s*/g, ' ')}\n`);
  return exitCode;
}
