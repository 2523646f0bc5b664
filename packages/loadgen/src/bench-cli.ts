#!/usr/bin/env node
import { lossLine, renderForcedLoss } from './bench/forced-loss-report.ts';
import { cellLine, matrixTable, renderMatrix } from './bench/fault-matrix.ts';
import { checkMatrixFile, writeMatrix } from './bench/matrix-file.ts';
import { runFaults } from './bench/run-faults.ts';
import { killLine, renderFailover } from './bench/failover-report.ts';
import { renderDropIn, runDropIn } from './bench/run-drop-in.ts';
import { renderIdle, runIdle } from './bench/run-idle.ts';
import { renderImport, runImport } from './bench/run-import.ts';
import { runForcedLoss } from './bench/run-forced-loss.ts';
import { runFailover } from './bench/run-failover.ts';
import type { BenchContext } from './bench/run-failover.ts';
import { parseBenchCommand } from './cli/bench-command.ts';
import type { BenchRequest } from './cli/bench-command.ts';
import { EXIT } from './cli/exit-codes.ts';
import type { ExitCode } from './cli/exit-codes.ts';
import { runCli } from './cli/run-cli.ts';
import { runSweep } from './sweep/run-sweep.ts';
import { renderSweep, sweptLine } from './sweep/sweep-report.ts';
import { checkWritable, reportText, writeReport } from './report/json.ts';

/** As a path it is no file, but the standard output. */
const STDOUT = '-';

await runCli('bench', async ({ signal, cleanup }) => {
  const request = parseBenchCommand(process.argv.slice(2));
  if (request === null) return EXIT.ok;
  const { jsonPath } = request;
  if (jsonPath !== null && jsonPath !== STDOUT) await checkWritable(jsonPath);
  // What is meant for people makes room for the report.
  const people = jsonPath === STDOUT ? process.stderr : process.stdout;
  const print = (line: string) => void people.write(`${line}\n`);
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  const { report, lines, exitCode } = await measure(request, { signal, cleanup, say }, print);
  // Ctrl-C took the servers away in the middle: what came of that is no result.
  signal.throwIfAborted();
  for (const line of lines) print(line);
  if (jsonPath === STDOUT) process.stdout.write(reportText('schooldb-bench', report));
  else if (jsonPath !== null) await writeReport(jsonPath, 'schooldb-bench', report);
  return exitCode;
});

interface Outcome {
  report: object;
  lines: string[];
  exitCode: ExitCode;
}

async function measure(
  request: BenchRequest,
  context: BenchContext,
  print: (line: string) => void,
): Promise<Outcome> {
  if (request.bench === 'import') {
    const report = await runImport(request.runs, context);
    return { report, lines: renderImport(report), exitCode: exitCodeOf(report) };
  }
  if (request.bench === 'drop-in') {
    const report = await runDropIn(request.options, context);
    return { report, lines: renderDropIn(report), exitCode: exitCodeOf(report) };
  }
  if (request.bench === 'idle') {
    const report = await runIdle(request.idleMs, context);
    return { report, lines: renderIdle(report), exitCode: exitCodeOf(report) };
  }
  if (request.bench === 'faults') return matrix(request, context, print);
  if (request.bench === 'forced-loss') {
    const { options } = request;
    const report = await runForcedLoss(options, context, (loss) => print(lossLine(loss, options)));
    const wrong = report.losses.some(
      ({ mode, lost, doubled, ghosts }) => doubled + ghosts > 0 || (mode === 'synchronous' && lost > 0),
    );
    return {
      report,
      lines: renderForcedLoss(report),
      exitCode: wrong ? EXIT.violation : exitCodeOf(report),
    };
  }
  if (request.bench === 'sweep') {
    const report = await runSweep(request.plan, context, (swept) => print(sweptLine(swept)));
    const untrue = report.swept.some(({ violations }) => violations.length > 0);
    return { report, lines: renderSweep(report), exitCode: untrue ? EXIT.violation : exitCodeOf(report) };
  }
  const { options } = request;
  const report = await runFailover(options, context, (kill) => print(killLine(kill, options)));
  const { lost, doubled, ghosts } = report;
  const exitCode = lost + doubled + ghosts > 0 ? EXIT.violation : exitCodeOf(report);
  return { report, lines: renderFailover(report), exitCode };
}

async function matrix(
  { options, writePath }: Extract<BenchRequest, { bench: 'faults' }>,
  context: BenchContext,
  print: (line: string) => void,
): Promise<Outcome> {
  if (writePath !== null) await checkMatrixFile(writePath, options.engines);
  const report = await runFaults(options, context, (cell) => print(cellLine(cell)));
  if (writePath !== null)
    for (const { engine, cells } of report.engines)
      await writeMatrix(writePath, engine, matrixTable(engine, cells));
  return { report, lines: renderMatrix(report), exitCode: report.held ? EXIT.ok : EXIT.violation };
}

function exitCodeOf({ held }: { held: boolean }): ExitCode {
  return held ? EXIT.ok : EXIT.threshold;
}
