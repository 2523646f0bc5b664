#!/usr/bin/env node
import { clusterBed } from './bed/cluster-bed.ts';
import { parseDemoCommand } from './cli/demo-command.ts';
import type { DemoRequest } from './cli/demo-command.ts';
import { EXIT } from './cli/exit-codes.ts';
import type { ExitCode } from './cli/exit-codes.ts';
import { runCli } from './cli/run-cli.ts';
import type { CliContext } from './cli/run-cli.ts';
import { renderDemo } from './demo/demo-table.ts';
import { runDemo } from './demo/run-demo.ts';
import type { DemoListener } from './demo/run-demo.ts';
import { checkWritable, writeReport } from './report/json.ts';
import { showProgress } from './report/progress.ts';
import type { Cleanup } from './run/cleanup.ts';
import { renderRun } from './report/run-table.ts';

const REPLICAS = 2;

await runCli('demo', (context) => demo(parseDemoCommand(process.argv.slice(2)), context));

async function demo(
  { demo, engine, jsonPath }: DemoRequest,
  { signal, cleanup }: CliContext,
): Promise<ExitCode> {
  if (jsonPath !== null) await checkWritable(jsonPath);
  say(`starting a cluster: one primary, ${REPLICAS} standbys, synchronous replication`);
  const { promoteAfterMs } = demo;
  const bed = await clusterBed({ engine, replicas: REPLICAS, synchronous: true, promoteAfterMs, signal });
  cleanup.defer(() => bed.close());
  const report = await runDemo(bed, demo, { listener: listener(demo, cleanup), signal, cleanup });
  // The second Ctrl-C took the cluster away in the middle: what came of that is no result.
  if (cleanup.started) return EXIT.interrupted;
  if (!('schooldb' in report)) {
    process.stdout.write(renderRun(report.pg));
    return EXIT.inconclusive;
  }
  process.stdout.write(`\n${renderDemo(report)}`);
  if (jsonPath !== null) await writeReport(jsonPath, 'schooldb-demo', report);
  if (report.kept.kept) return EXIT.ok;
  return report.kept.inconclusive ? EXIT.inconclusive : EXIT.violation;
}

function listener({ clients, durationMs }: DemoRequest['demo'], cleanup: Cleanup): DemoListener {
  return {
    runStarted(driver) {
      const name = driver === 'pg' ? 'run 1 of 2: plain pg' : 'run 2 of 2: SchoolDB';
      const title = { text: `${name} · ${clients} clients`, durationMs };
      const progress = showProgress(title, process.stderr, process.env);
      cleanup.defer(() => progress.end());
      return progress;
    },
    waiting: say,
  };
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
