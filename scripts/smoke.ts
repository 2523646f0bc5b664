/** The packed packages, installed with npm in an empty project and run on every Node that they support. */
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from './build.ts';
import { packAll } from './packages.ts';
import type { Finished } from './steps.ts';
import { runToEnd } from './steps.ts';

export interface SmokeResult {
  readonly node: string;
  readonly ok: boolean;
  readonly output: string;
}

/** What an app may be; the packages are modules in either. */
const PROJECTS = ['module', 'commonjs'] as const;
const APPS = 'node smoke-app.mjs && node --import @schooldb/client/register smoke-drop-in.cjs';
const TYPES = [
  '--noEmit',
  '--strict',
  '--module',
  'nodenext',
  '--target',
  'es2024',
  '--lib',
  'es2024,esnext.disposable',
];

/** @param nodes - exact versions; npm fetches each once. */
export async function smokeTest(root: string, nodes: readonly string[]): Promise<SmokeResult[]> {
  const built = await build(root);
  if (!built.ok) return nodes.map((node) => ({ node, ...built }));
  const { directory, packages } = await packAll(root);
  try {
    const tarballs = packages.map(({ tarball }) => tarball);
    for (const type of PROJECTS) {
      const made = await makeProject(root, join(directory, type), type, tarballs);
      if (!made.ok) return nodes.map((node) => ({ node, ...made }));
    }
    const results: SmokeResult[] = [];
    for (const [index, node] of nodes.entries()) {
      // Which kind of project it is makes no difference to a Node: they take turns.
      const cwd = join(directory, PROJECTS[index % PROJECTS.length]!);
      results.push({
        node,
        ...(await runToEnd('npx', ['-y', '--prefer-offline', '-p', `node@${node}`, '-c', APPS], { cwd })),
      });
    }
    return results;
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** An empty project with the packages, in which the types of an app resolve. */
async function makeProject(
  root: string,
  directory: string,
  type: (typeof PROJECTS)[number],
  tarballs: readonly string[],
): Promise<Finished> {
  await mkdir(directory);
  await writeFile(join(directory, 'package.json'), JSON.stringify({ private: true, type }));
  for (const app of ['smoke-app.mjs', 'smoke-drop-in.cjs', 'smoke-types.ts'])
    await copyFile(join(root, 'scripts', app), join(directory, app));
  // Without this flag a script of a dependency runs only where its name was allowed before; ours puts links back.
  const installed = await runToEnd('npm', ['install', '--no-audit', '--no-fund', ...tarballs, 'kysely'], {
    cwd: directory,
  });
  if (!installed.ok) return installed;
  return runToEnd(join(root, 'node_modules/.bin/tsc'), [...TYPES, 'smoke-types.ts'], { cwd: directory });
}
