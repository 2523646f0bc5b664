import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { extname } from 'node:path';
import { promisify } from 'node:util';
import { formatMs } from '../report/format.ts';
import { renderLimits } from './failover-report.ts';
import { judgeLimit, median } from './limits.ts';
import type { JudgedLimit } from './limits.ts';
import type { BenchContext } from './run-failover.ts';

export interface ImportReport {
  bench: 'import';
  runs: number;
  /** Medians of whole processes, from their start to their end. */
  emptyMs: number | null;
  pgMs: number | null;
  clientMs: number | null;
  /** Modules of the JavaScript kind that the import of the client loads. */
  modules: number;
  limits: JudgedLimit[];
  held: boolean;
}

const LIMIT_MS = 60;
/** Heavy, and needed by few apps: each has an entry point or a moment of its own. */
const NOT_LOADED = ['libpg-query', 'kysely', '@kubernetes/client-node'];
const run = promisify(execFile);

/** The time that `import('@schooldb/client')` takes in a fresh process, beside `pg` and nothing at all. */
export async function runImport(runs: number, { signal, say }: BenchContext): Promise<ImportReport> {
  const client = await builtClient(say, signal);
  const subjects = { empty: null, pg: import.meta.resolve('pg'), client };
  const times = { empty: [] as number[], pg: [] as number[], client: [] as number[] };
  // The first of each reads the disk; the runs that count are interleaved, so that a busy moment hits all alike.
  for (let round = 0; round <= runs; round++)
    for (const name of ['empty', 'pg', 'client'] as const) {
      const ms = await timeOfProcess(subjects[name], signal);
      if (round > 0) times[name].push(ms);
    }
  const [emptyMs, pgMs, clientMs] = [median(times.empty), median(times.pg), median(times.client)];
  const modules = await modulesOf(client, signal);
  const limits = [
    judgeLimit({
      what: 'import of the client, over an empty process',
      measured: emptyMs === null || clientMs === null ? null : Math.max(0, clientMs - emptyMs),
      unit: 'ms',
      most: LIMIT_MS,
      bound: 'most',
    }),
    ...NOT_LOADED.map((name) =>
      judgeLimit({
        what: `modules of ${name}`,
        measured: modules.filter((url) => url.includes(`/node_modules/${name}/`)).length,
        unit: 'n',
        most: 0,
        bound: 'most',
      }),
    ),
  ];
  const held = limits.every((limit) => limit.held);
  return { bench: 'import', runs, emptyMs, pgMs, clientMs, modules: modules.length, limits, held };
}

export function renderImport({ runs, emptyMs, pgMs, clientMs, modules, limits }: ImportReport): string[] {
  return [
    `median of ${runs} processes: empty ${formatMs(emptyMs)}, import('pg') ${formatMs(pgMs)}, import('@schooldb/client') ${formatMs(clientMs)} (${modules} modules)`,
    ...renderLimits(limits),
  ];
}

/** The client as it is published: in this repository its name leads to the source, which is built first. */
async function builtClient(say: (line: string) => void, signal: AbortSignal): Promise<string> {
  const entry = import.meta.resolve('@schooldb/client');
  if (extname(entry) === '.js') return entry;
  say('building @schooldb/client');
  const root = new URL('..', entry);
  await run(process.execPath, [fileURLToPath(new URL('scripts/bundle.ts', root))], { signal });
  return new URL('dist/index.js', root).href;
}

async function timeOfProcess(url: string | null, signal: AbortSignal): Promise<number> {
  const code = url === null ? '' : `await import(${JSON.stringify(url)})`;
  const startedAt = performance.now();
  await run(process.execPath, ['--input-type=module', '-e', code], { signal });
  return performance.now() - startedAt;
}

async function modulesOf(url: string, signal: AbortSignal): Promise<string[]> {
  const script = fileURLToPath(new URL(`./import-main${extname(import.meta.url)}`, import.meta.url));
  const { stdout } = await run(process.execPath, [script, url], { signal });
  return (JSON.parse(stdout) as string[]).filter((loaded) => !loaded.startsWith('node:'));
}
