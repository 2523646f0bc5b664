import { mkdtemp, readFile, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runToEnd } from './steps.ts';

export interface PackedPackage {
  readonly name: string;
  /** The tarball as it would be published. */
  readonly tarball: string;
}

/** Builds nothing: expects `dist` to be up to date. The caller deletes `directory`. */
export async function packAll(root: string): Promise<{ directory: string; packages: PackedPackage[] }> {
  const directory = await mkdtemp(join(tmpdir(), 'schooldb-packed-'));
  const packages: PackedPackage[] = [];
  for (const folder of await publishedFolders(root)) {
    const { name, version } = await manifest(folder);
    const { ok, output } = await runToEnd('pnpm', ['pack', '--pack-destination', directory], { cwd: folder });
    if (!ok) throw new Error(`packing ${name} failed:\n${output}`);
    packages.push({
      name,
      tarball: join(directory, `${name.replace('@', '').replace('/', '-')}-${version}.tgz`),
    });
  }
  return { directory, packages };
}

async function publishedFolders(root: string): Promise<string[]> {
  const folders = await readdir(join(root, 'packages'));
  const published: string[] = [];
  for (const folder of folders) {
    const path = join(root, 'packages', folder);
    const found = await manifest(path).catch(() => undefined);
    if (found !== undefined && found.private !== true) published.push(path);
  }
  return published;
}

async function manifest(folder: string): Promise<{ name: string; version: string; private?: boolean }> {
  return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
    private?: boolean;
  };
}
