/** `pnpm check`: everything that can be said of the code without running it. */
import { rm } from 'node:fs/promises';
import { build } from './build.ts';
import { licenceProblems } from './licences.ts';
import type { LicenceList } from './licences.ts';
import { packAll } from './packages.ts';
import type { Finished } from './steps.ts';
import { runToEnd } from './steps.ts';

const ROOT = new URL('..', import.meta.url).pathname;

const STEPS: readonly { readonly name: string; readonly run: () => Promise<Finished> }[] = [
  { name: 'types', run: () => bin('tsc', '-p', 'tsconfig.json') },
  { name: 'build', run: () => build(ROOT) },
  { name: 'lint, import cycles, layers', run: () => bin('oxlint', '--deny-warnings') },
  { name: 'format', run: () => bin('prettier', '--check', '.') },
  { name: 'dead code, unused dependencies', run: () => bin('knip') },
  { name: 'licences of runtime dependencies', run: checkLicences },
  { name: 'packed tarballs (publint, attw)', run: checkPackages },
];

let failed = 0;
for (const { name, run } of STEPS) {
  const startedAt = performance.now();
  const { ok, output } = await run();
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`);
  if (!ok) console.log(output);
  if (!ok) failed += 1;
}
process.exitCode = failed === 0 ? 0 : 1;

function bin(program: string, ...args: string[]): Promise<Finished> {
  return runToEnd(`${ROOT}node_modules/.bin/${program}`, args, { cwd: ROOT });
}

async function checkLicences(): Promise<Finished> {
  const { ok, output } = await runToEnd('pnpm', ['licenses', 'list', '--prod', '--json'], { cwd: ROOT });
  if (!ok) return { ok, output };
  const problems = licenceProblems(JSON.parse(output) as LicenceList);
  return { ok: problems.length === 0, output: problems.join('\n') };
}

async function checkPackages(): Promise<Finished> {
  const { directory, packages } = await packAll(ROOT);
  try {
    const problems: string[] = [];
    for (const { tarball } of packages) {
      const results = [
        await bin('publint', 'run', tarball, '--strict'),
        await bin('attw', tarball, '--profile', 'esm-only', '--no-color'),
      ];
      problems.push(...results.filter(({ ok }) => !ok).map(({ output }) => `${tarball}\n${output}`));
    }
    return { ok: problems.length === 0, output: problems.join('\n') };
  } finally {
    await rm(directory, { recursive: true });
  }
}
