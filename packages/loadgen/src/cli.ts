#!/usr/bin/env node
import { clusterBed } from './bed/cluster-bed.ts';
import { targetBed } from './bed/target-bed.ts';
import type { Bed } from './bed/bed.ts';
import { EXIT, exitCodeOf } from './cli/exit-codes.ts';
import type { ExitCode } from './cli/exit-codes.ts';
import { parseLoadCommand } from './cli/load-command.ts';
import type { LoadRequest } from './cli/load-command.ts';
import { runCli } from './cli/run-cli.ts';
import type { CliContext } from './cli/run-cli.ts';
import { checkWritable, writeReport } from './report/json.ts';
import { quietProgress, showProgress } from './report/progress.ts';
import { renderRun } from './report/run-table.ts';
import type { RunListener } from './run/listener.ts';
import { runLoad } from './run/run-load.ts';

await runCli('loadgen', async (context) => {
  const request = parseLoadCommand(process.argv.slice(2), process.env);
  return load(request, context);
});

async function load(request: LoadRequest, { signal, cleanup }: CliContext): Promise<ExitCode> {
  const { run, jsonPath, quiet } = request;
  if (jsonPath !== null) await checkWritable(jsonPath);
  const external = request.target === null ? null : await targetBed(request.target);
  const title = {
    text: `${run.driver} · ${run.workload} · ${run.clients} clients`,
    durationMs: run.durationMs,
  };
  const progress = quiet ? quietProgress(process.stderr) : showProgress(title, process.stderr, process.env);
  cleanup.defer(() => progress.end());
  const bed = external ?? (await startCluster(request, progress, signal));
  cleanup.defer(() => bed.close());
  const report = await runLoad(bed, run, { listener: progress, signal, cleanup });
  progress.end();
  // The second Ctrl-C took the database away in the middle: what came of that is no result.
  if (cleanup.started) return EXIT.interrupted;
  process.stdout.write(renderRun(report));
  if (jsonPath !== null) await writeReport(jsonPath, 'schooldb-loadgen', report);
  return report.verification === null ? EXIT.ok : exitCodeOf(report.verification.verdict);
}

function startCluster(
  { engine, replicas, synchronous, run }: LoadRequest,
  progress: RunListener,
  signal: AbortSignal,
): Promise<Bed> {
  progress.stage('starting a cluster');
  return clusterBed({ engine, replicas, synchronous, promoteAfterMs: run.promoteAfterMs, signal });
}
