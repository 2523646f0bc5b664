import { constants, existsSync } from 'node:fs';
import { access, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { UsageError } from '../options/usage-error.ts';

/** What kind of report a file holds. */
export type ReportKind = 'schooldb-loadgen' | 'schooldb-demo' | 'schooldb-bench' | 'schooldb-soak';

/** Raised when a reader of an older version would misunderstand the file. */
export const REPORT_VERSION = 1;

/** A report as JSON, with its kind, its version and the machine it was measured on. */
export function reportText(kind: ReportKind, report: object): string {
  const machine = {
    node: process.version,
    platform: process.platform,
    arch: process.arch,
    cpus: availableParallelism(),
  };
  return `${JSON.stringify({ kind, version: REPORT_VERSION, machine, ...report }, null, 2)}\n`;
}

export async function writeReport(path: string, kind: ReportKind, report: object): Promise<void> {
  await writeFile(path, reportText(kind, report));
}

/** Fails now rather than after the run. */
export async function checkWritable(path: string): Promise<void> {
  try {
    await access(existsSync(path) ? path : dirname(path), constants.W_OK);
  } catch (error) {
    throw new UsageError(`--json: ${path} cannot be written: ${(error as Error).message}`);
  }
}
