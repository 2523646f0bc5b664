/**
 * Runs an example on a cluster of its own, whose address it finds in the environment, as it would in a container:
 *
 *   npm run example -- hello
 *
 * Exit codes: that of the example; 1 the cluster failed, 2 wrong usage, 130 Ctrl-C before the example began.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { schemaGrantSql, schemaSql } from '@schooldb/client';
import { CLUSTER_DEFAULTS, startCluster } from '@schooldb/local-cluster';
import { environmentOf } from './environment.ts';
import { EXAMPLES } from './examples.ts';
import type { Example } from './examples.ts';

const FOLDER = dirname(dirname(fileURLToPath(import.meta.url)));

const USAGE = `usage: npm run example -- NAME

${Object.entries(EXAMPLES)
  .map(([name, { what }]) => `  ${name.padEnd(18)} ${what}`)
  .join('\n')}

While one runs, break its cluster from a second terminal: npm run cluster -- fault kill-primary
`;

/** Aborted by the first Ctrl-C; the example hears of it too, and decides itself how it ends. */
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => interrupted.abort(signal));

async function main([name = '', ...rest]: readonly string[]): Promise<number> {
  if (['--help', '-h', 'help'].includes(name)) {
    process.stdout.write(USAGE);
    return 0;
  }
  const example = Object.hasOwn(EXAMPLES, name) ? EXAMPLES[name] : undefined;
  if (example === undefined) {
    const said = name === '' ? '' : `example: there is no '${name}'\n`;
    process.stderr.write(`${said}${USAGE}`);
    return 2;
  }
  // What it can be told it says itself, and needs no cluster for that.
  if (rest.includes('--help') || rest.includes('-h')) return run(example, rest, process.env);
  return runOnCluster(example, rest);
}

async function runOnCluster(example: Example, rest: readonly string[]): Promise<number> {
  const { user } = CLUSTER_DEFAULTS;
  process.stderr.write('starting a cluster: one primary and two standbys …\n');
  await using cluster = await startCluster({
    name: 'default',
    initSql: [schemaSql(), schemaGrantSql(user), example.initSql ?? ''].join('\n'),
    signal: interrupted.signal,
  });
  process.stderr.write(
    'it is up. Break it from a second terminal: npm run cluster -- fault kill-primary\nCtrl-C ends both.\n\n',
  );
  cluster.on(({ type, detail }) => {
    if (type.startsWith('primary:') || type.startsWith('server:')) process.stderr.write(`-- ${detail}\n`);
  });
  // Awaited here: the cluster is stopped when this function ends.
  return await run(example, rest, { ...process.env, ...environmentOf(cluster) });
}

/** @returns its exit code. */
function run(example: Example, rest: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const [command, ...args] = example.command;
  const child = spawn(command, [...args, ...rest], {
    cwd: join(FOLDER, example.folder),
    env,
    stdio: 'inherit',
  });
  interrupted.signal.addEventListener('abort', () => {
    // A terminal has sent Ctrl-C to the example as well.
    if (interrupted.signal.reason !== 'SIGINT') child.kill('SIGTERM');
  });
  return new Promise<number>((resolve, reject) => {
    child.on('error', (error) => reject(new Error(`${command} could not be started: ${error.message}`)));
    child.on('exit', (code, signal) =>
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
    );
  });
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.exitCode = interrupted.signal.aborted ? 130 : 1;
  if (!interrupted.signal.aborted) process.stderr.write(`${(error as Error).message}\n`);
}
