import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ClusterError, messageOf } from '../errors.ts';

export interface PgbouncerVersion {
  major: number;
  minor: number;
}

/** What the program says it is. @throws ClusterError where it does not run. */
export async function pgbouncerVersion(program: string): Promise<PgbouncerVersion> {
  try {
    const { stdout } = await promisify(execFile)(program, ['--version'], { timeout: 30_000 });
    const version = parsePgbouncerVersion(stdout);
    if (version !== undefined) return version;
    throw new Error(`it says ${JSON.stringify(stdout.split('\n')[0])}`);
  } catch (error) {
    throw new ClusterError('environment', `${program} does not tell its version: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** The first line is `PgBouncer 1.18.0`; before 1.12 it was `PgBouncer version 1.11.0`. */
export function parsePgbouncerVersion(output: string): PgbouncerVersion | undefined {
  const match = /^PgBouncer (?:version )?(\d+)\.(\d+)/m.exec(output);
  return match === null ? undefined : { major: Number(match[1]), minor: Number(match[2]) };
}

/** In transaction mode named statements of the protocol need `max_prepared_statements`, which came with 1.21. */
export function knowsNamedStatements({ major, minor }: PgbouncerVersion): boolean {
  return major > 1 || (major === 1 && minor >= 21);
}
