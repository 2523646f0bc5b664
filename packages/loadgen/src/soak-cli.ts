#!/usr/bin/env node
import { clusterBed } from './bed/cluster-bed.ts';
import { EXIT, exitCodeOf } from './cli/exit-codes.ts';
import type { ExitCode } from './cli/exit-codes.ts';
import { runCli } from './cli/run-cli.ts';
import type { CliContext } from './cli/run-cli.ts';
import { parseSoakCommand } from './cli/soak-command.ts';
import type { SoakRequest } from './cli/soak-command.ts';
import { checkWritable, writeReport } from './report/json.ts';
import { quietProgress, showProgress } from './report/progress.ts';
import { renderLeftovers, scheduleLine } from './soak/leftovers-report.ts';
import { runLeftovers } from './soak/run-leftovers.ts';
import { runSoak } from './soak/run-soak.ts';
import { renderSoak } from './soak/soak-report.ts';

const REPLICAS = 2;

await runCli('soak', async (context) => {
  const request = parseSoakCommand(process.argv.slice(2));
  if (request === null) return EXIT.ok;
  if (request.jsonPath !== null) await checkWritable(request.jsonPath);
  return request.soak === 'leftovers' ? leftovers(request, context) : soak(request, context);
});

async function soak(
  request: Exclude<SoakRequest, { soak: 'leftovers' }>,
  { signal, cleanup }: CliContext,
): Promise<ExitCode> {
  const { options, jsonPath, quiet } = request;
  const { engine, clients, durationMs, promoteAfterMs } = options;
  const title = { text: `soak ${engine} · ${clients} clients`, durationMs };
  const progress = quiet ? quietProgress(process.stderr) : showProgress(title, process.stderr, process.env);
  cleanup.defer(() => progress.end());
  progress.stage('starting a cluster');
  const bed = await clusterBed({ engine, replicas: REPLICAS, synchronous: true, promoteAfterMs, signal });
  cleanup.defer(() => bed.close());
  const report = await runSoak(bed, options, { listener: progress, signal, cleanup });
  progress.end();
  // The second Ctrl-C took the database away in the middle: what came of that is no result.
  if (cleanup.started) return EXIT.interrupted;
  process.stdout.write(renderSoak(report));
  if (jsonPath !== null) await writeReport(jsonPath, 'schooldb-soak', report);
  return exitCodeOf(report.run.verification?.verdict ?? 'inconclusive');
}

async function leftovers(
  { options, jsonPath }: Extract<SoakRequest, { soak: 'leftovers' }>,
  { signal, cleanup }: CliContext,
): Promise<ExitCode> {
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  const print = (line: string) => void process.stdout.write(`${line}\n`);
  const report = await runLeftovers(options, { signal, cleanup, say }, (schedule) =>
    print(scheduleLine(schedule)),
  );
  print(renderLeftovers(report));
  if (jsonPath !== null) await writeReport(jsonPath, 'schooldb-soak', report);
  return report.held ? EXIT.ok : EXIT.threshold;
}
