import { DeployError } from '../errors/deploy-error.ts';
import { RunLog } from '../log/run-log.ts';
import type { CliTexts } from './cli-texts.ts';
import type { Output, RunOutput } from './command.ts';
import { EXIT } from './exit-codes.ts';
import type { ExitCode } from './exit-codes.ts';
import { NAME } from './program.ts';

/**
 * Without the usual place a run goes on, and says so.
 *
 * @param path - undefined where the environment names no usual place.
 * @throws DeployError where a place that was asked for cannot be written.
 */
export function openLog(
  path: string | undefined,
  { isAskedFor }: { readonly isAskedFor: boolean },
  texts: CliTexts,
  output: Output,
): RunLog | undefined {
  try {
    if (path !== undefined) return new RunLog(path);
    output.err(texts.noLog('HOME'));
  } catch (error) {
    if (isAskedFor || !(error instanceof DeployError)) throw error;
    output.err(texts.noLog(path ?? ''));
  }
  return undefined;
}

/** Logs all that is said. The place of the log is named where a run does not come to its end. */
export async function withLog(
  log: RunLog | undefined,
  args: readonly string[],
  texts: CliTexts,
  output: Output,
  run: (output: RunOutput) => Promise<ExitCode>,
): Promise<ExitCode> {
  if (log === undefined) return run(unlogged(output));
  const told: RunOutput = {
    out(line) {
      log.write(line);
      output.out(line);
    },
    err(line) {
      log.write(line);
      output.err(line);
    },
    log: (line) => log.write(line),
  };
  log.write([NAME, ...args].join(' '));
  try {
    const exitCode = await run(told);
    log.write(texts.logEnd(exitCode));
    if (exitCode === EXIT.failed || exitCode === EXIT.interrupted) output.err(texts.logAt(log.path));
    return exitCode;
  } finally {
    log.close();
  }
}

export function unlogged(output: Output): RunOutput {
  return { out: (line) => output.out(line), err: (line) => output.err(line), log: () => {} };
}
