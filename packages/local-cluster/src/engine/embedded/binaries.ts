import { execFile } from 'node:child_process';
import { cp, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { ClusterError, messageOf } from '../../errors.ts';
import { serverEnvironment } from '../../process/environment.ts';
import type { PostgresVersion } from '../../options.ts';
import type { Account } from '../../process/children.ts';
import { findPostgres } from './packages.ts';

export interface Binaries {
  initdb: string;
  postgres: string;
}

/**
 * PostgreSQL's programs, proven to run under the servers' account. Where that account can't reach
 * them (a clone under /root) they are copied into the cluster's own directory.
 */
export async function prepareBinaries(
  version: PostgresVersion,
  clusterDirectory: string,
  account: Account | undefined,
): Promise<Binaries> {
  const installed = findPostgres(version);
  const inPlace = await tryBinaries(installed, account);
  if (inPlace === undefined) return binariesIn(installed);
  if (account === undefined) throw unusable(installed, inPlace);

  const copy = join(clusterDirectory, 'postgresql');
  await cp(installed, copy, { recursive: true, verbatimSymlinks: true });
  const afterCopy = await tryBinaries(copy, account);
  if (afterCopy !== undefined) throw unusable(copy, afterCopy);
  return binariesIn(copy);
}

/** Where PgBouncer is; undefined when it isn't installed. Debian puts it where an ordinary user's PATH doesn't look. */
export async function findPgbouncer(): Promise<string | undefined> {
  const path = [
    ...(process.env['PATH'] ?? '').split(':'),
    '/usr/sbin',
    '/usr/local/sbin',
    '/usr/local/bin',
    '/opt/homebrew/bin',
  ];
  for (const directory of new Set(path)) {
    const names = directory === '' ? [] : await readdir(directory).catch(() => []);
    if (names.includes('pgbouncer')) return join(directory, 'pgbouncer');
  }
  return undefined;
}

function binariesIn(directory: string): Binaries {
  return { initdb: join(directory, 'bin', 'initdb'), postgres: join(directory, 'bin', 'postgres') };
}

/** What goes wrong when the programs are run; undefined when nothing does. */
async function tryBinaries(directory: string, account: Account | undefined): Promise<string | undefined> {
  const identity = account === undefined ? {} : { uid: account.uid, gid: account.gid };
  for (const program of Object.values(binariesIn(directory))) {
    try {
      await promisify(execFile)(program, ['--version'], {
        cwd: '/',
        env: serverEnvironment('/'),
        timeout: 30_000,
        ...identity,
      });
    } catch (error) {
      return messageOf(error)
        .split('\n')
        .map((line) => line.trim())
        .filter(Boolean)
        .join(' | ');
    }
  }
  return undefined;
}

function unusable(directory: string, reason: string): ClusterError {
  return new ClusterError(
    'environment',
    `the PostgreSQL binaries in ${directory} do not run (${reason}): their libraries may lack their links, which the package's install script makes: cd ${dirname(directory)} && node scripts/hydrate-symlinks.js`,
  );
}
