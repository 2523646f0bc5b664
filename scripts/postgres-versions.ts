/** PostgreSQL's other majors, for the tests that run against them: fetched into `node_modules`, never part of an install. */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { aliasOf, installArgument } from '../packages/local-cluster/src/engine/embedded/packages.ts';
import {
  DEFAULT_VERSION,
  POSTGRES_VERSIONS,
  type PostgresVersion,
} from '../packages/local-cluster/src/options.ts';
import { runToEnd, type Finished } from './steps.ts';

export const OTHER_MAJORS = POSTGRES_VERSIONS.filter((version) => version !== DEFAULT_VERSION);

/** What `--postgres` was given; undefined where it is no major version. */
export function parseMajor(text: string | undefined): PostgresVersion | undefined {
  return POSTGRES_VERSIONS.find((version) => String(version) === text);
}

/** The environment in which tests start clusters of this major. */
export function environmentOf(root: string, version: PostgresVersion): NodeJS.ProcessEnv {
  return {
    ...process.env,
    SCHOOLDB_POSTGRES_VERSION: String(version),
    SCHOOLDB_POSTGRES_PACKAGES: folderOf(root, version),
  };
}

/** Makes sure that it is there: one `npm install`, as a user would do it, and the links that its install script makes. */
export async function fetchMajor(root: string, version: PostgresVersion): Promise<Finished> {
  if (version === DEFAULT_VERSION) return { ok: true, output: '' };
  const folder = folderOf(root, version);
  const argument = installArgument(version);
  const stamp = join(folder, encodeURIComponent(argument));
  if (existsSync(stamp)) return { ok: true, output: '' };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true }));
  const args = ['install', '--no-audit', '--no-fund', '--ignore-scripts', argument];
  const installed = await runToEnd('npm', args, { cwd: folder });
  if (!installed.ok) return installed;
  const linked = await runToEnd(process.execPath, [join('scripts', 'hydrate-symlinks.js')], {
    cwd: join(folder, 'node_modules', aliasOf(version)),
  });
  if (linked.ok) await writeFile(stamp, '');
  return linked;
}

function folderOf(root: string, version: PostgresVersion): string {
  return join(root, 'node_modules', '.schooldb', `postgres-${version}`);
}
