/** `pnpm build`: what is published. */
import { join } from 'node:path';
import type { Finished } from './steps.ts';
import { runToEnd } from './steps.ts';

/** Declarations of all packages, and their JavaScript. */
export async function build(root: string): Promise<Finished> {
  const compiled = await runToEnd(join(root, 'node_modules/.bin/tsc'), ['-b', 'tsconfig.build.json'], {
    cwd: root,
  });
  if (!compiled.ok) return compiled;
  return runToEnd(process.execPath, ['packages/client/scripts/bundle.ts'], { cwd: root });
}

if (import.meta.main) {
  const { ok, output } = await build(join(import.meta.dirname, '..'));
  process.stdout.write(output);
  process.exitCode = ok ? 0 : 1;
}
