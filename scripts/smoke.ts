/** The packed packages, installed with npm in an empty project and run on every Node that they support. */
import { copyFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packAll } from './packages.ts';
import { runToEnd } from './steps.ts';

export interface SmokeResult {
  readonly node: string;
  readonly ok: boolean;
  readonly output: string;
}

const APPS = 'node smoke-app.mjs && node --import @schooldb/client/register smoke-drop-in.cjs';

/** @param nodes - exact versions; npm fetches each once. */
export async function smokeTest(root: string, nodes: readonly string[]): Promise<SmokeResult[]> {
  const built = await runToEnd(join(root, 'node_modules/.bin/tsc'), ['-b', 'tsconfig.build.json'], {
    cwd: root,
  });
  if (!built.ok) return nodes.map((node) => ({ node, ...built }));
  const { directory, packages } = await packAll(root);
  try {
    await writeFile(join(directory, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    for (const app of ['smoke-app.mjs', 'smoke-drop-in.cjs'])
      await copyFile(join(root, 'scripts', app), join(directory, app));
    const tarballs = packages.map(({ tarball }) => tarball);
    // Without this flag a script of a dependency runs only where its name was allowed before; ours puts links back.
    const installed = await runToEnd('npm', ['install', '--no-audit', '--no-fund', ...tarballs], {
      cwd: directory,
    });
    if (!installed.ok) return nodes.map((node) => ({ node, ...installed }));
    const results: SmokeResult[] = [];
    for (const node of nodes) {
      const args = ['-y', '--prefer-offline', '-p', `node@${node}`, '-c', APPS];
      results.push({ node, ...(await runToEnd('npx', args, { cwd: directory })) });
    }
    return results;
  } finally {
    await rm(directory, { recursive: true });
  }
}
