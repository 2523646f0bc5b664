import { execFile } from 'node:child_process';
import { access, constants, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ClusterError } from '../../errors.ts';
import { POSTGRES_VERSIONS, type PostgresVersion, type ResolvedOptions } from '../../options.ts';

export interface PatroniPrograms {
  etcd: string;
  patroni: string;
  haproxy: string;
  /** The directory of PostgreSQL's own programs. */
  postgresBin: string;
}

/** As Debian and Ubuntu have them: PostgreSQL's programs lie in a directory for every major version. */
const PLACES = {
  programs: ['/usr/bin', '/usr/sbin', '/usr/local/bin', '/usr/local/sbin'],
  postgres: '/usr/lib/postgresql',
  python: '/usr/bin/python3',
};
const OF_POSTGRES = [
  'postgres',
  'initdb',
  'pg_ctl',
  'pg_basebackup',
  'pg_controldata',
  'pg_rewind',
  'pg_isready',
];
/** In the order in which people should install them. */
const PACKAGES = [
  'postgresql',
  'patroni',
  'python3-etcd',
  'python3-idna',
  'etcd-server',
  'haproxy',
  'pgbouncer',
];
export const HOW_TO_GET_PATRONI = `sudo apt-get install --no-install-recommends ${PACKAGES.join(' ')}`;

/** @throws ClusterError that names whatever is missing, and the command to get it. */
export async function findPrograms(
  { version }: Pick<ResolvedOptions, 'version'>,
  places = PLACES,
): Promise<PatroniPrograms> {
  if (process.platform !== 'linux') {
    throw new ClusterError('environment', 'engine patroni needs Linux: choose engine embedded');
  }
  const missing: string[] = [];
  const find = async (name: string) => {
    const path = await findProgram(name, places.programs);
    if (path === undefined) missing.push(name);
    return path ?? '';
  };
  const [etcd, patroni, haproxy] = [await find('etcd'), await find('patroni'), await find('haproxy')];
  if (patroni !== '' && !(await hasEtcdClient(places.python))) missing.push("Python's modules etcd and idna");
  const installed = await installedVersions(places.postgres);
  const chosen = version === 'any' ? installed.at(-1) : installed.find((known) => known === version);
  if (chosen === undefined) {
    const known = installed.length === 0 ? 'none' : installed.join(', ');
    missing.push(version === 'any' ? 'PostgreSQL 14 to 18' : `PostgreSQL ${version} (there is ${known})`);
  }
  if (missing.length > 0) {
    throw new ClusterError(
      'environment',
      `engine patroni needs ${missing.join(', ')}, not found on this machine (Debian: ${commandFor(version)})`,
    );
  }
  return { etcd, patroni, haproxy, postgresBin: join(places.postgres, String(chosen), 'bin') };
}

function commandFor(version: ResolvedOptions['version']): string {
  return version === 'any'
    ? HOW_TO_GET_PATRONI
    : HOW_TO_GET_PATRONI.replace('postgresql', `postgresql-${version}`);
}

async function findProgram(name: string, directories: readonly string[]): Promise<string | undefined> {
  for (const directory of directories) {
    const path = join(directory, name);
    if (await isExecutable(path)) return path;
  }
  return undefined;
}

/** Patroni's package is content with any store's client; over TLS this one needs idna as well. */
async function hasEtcdClient(python: string): Promise<boolean> {
  try {
    await promisify(execFile)(python, ['-c', 'import etcd, idna'], { cwd: '/', timeout: 30_000 });
    return true;
  } catch {
    return false;
  }
}

/** Major versions with all programs that are needed, oldest first. */
async function installedVersions(place: string): Promise<PostgresVersion[]> {
  const names = await readdir(place).catch((): string[] => []);
  const found: PostgresVersion[] = [];
  for (const version of POSTGRES_VERSIONS) {
    if (!names.includes(String(version))) continue;
    const paths = OF_POSTGRES.map((name) => join(place, String(version), 'bin', name));
    const complete = await Promise.all(paths.map(isExecutable));
    if (complete.every(Boolean)) found.push(version);
  }
  return found;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
