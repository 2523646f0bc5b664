import { readFileSync } from 'node:fs';
import { ClusterError, messageOf } from '../errors.ts';

const DISK_FULL = /No space left on device|ENOSPC|wrote only \d+ of \d+ bytes/;

/** A full disk shows in many ways, the least of them plain: whoever says so first is quoted. */
export function explainFailure(error: unknown, directory: string, logFiles: readonly string[]): unknown {
  const sources = [messageOf(error), ...logFiles.flatMap(readLines)];
  const complaint = sources.find((line) => DISK_FULL.test(line));
  if (complaint === undefined) return error;
  return new ClusterError(
    'environment',
    `the disk under ${directory} is full: make room or choose another dataDirectory (${complaint.trim()})`,
    { cause: error },
  );
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return [];
  }
}
