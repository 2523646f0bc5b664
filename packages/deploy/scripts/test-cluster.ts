/**
 * `pnpm test:cluster --kubeconfig FILE`: the suite of test/any-cluster.test.ts against the cluster of a kubeconfig, whatever
 * that is: K3s, another Kubernetes, an API server alone. Exit codes: 0 all right, 1 something is not, 2 wrong usage.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

process.exitCode = await main();

async function main(): Promise<number> {
  const given = kubeconfig();
  if (given === undefined) return usage('the option --kubeconfig is missing');
  if (!existsSync(given)) return usage(`there is no file ${given}`);
  const vitest = spawn(
    process.execPath,
    [
      'node_modules/vitest/vitest.mjs',
      'run',
      '--reporter=verbose',
      'packages/deploy/test/any-cluster.test.ts',
    ],
    { cwd: ROOT, stdio: 'inherit', env: { ...process.env, SCHOOLDB_TEST_KUBECONFIG: resolve(given) } },
  );
  // Ctrl-C reaches Vitest as well, which clears up.
  process.on('SIGINT', () => {});
  const [code] = (await once(vitest, 'close')) as [number | null];
  return code === 0 ? 0 : 1;
}

function kubeconfig(): string | undefined {
  try {
    return parseArgs({ options: { kubeconfig: { type: 'string' } } }).values.kubeconfig;
  } catch {
    return undefined;
  }
}

function usage(message: string): number {
  console.error(`test:cluster: ${message}; test:cluster --kubeconfig FILE`);
  return 2;
}
