/**
 * A school at work for minutes, everybody with a browser, while one fault follows the other:
 *
 *   npm run example:klatab:soak -- --minutes 10
 *
 * Exit codes: 0 held, 10 it did not, 2 wrong usage, 1 it could not be run, 130 Ctrl-C.
 */
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Cluster } from '@schooldb/local-cluster';
import { launchBrowser } from '../crowd/browser.ts';
import { Crowd } from '../crowd/crowd.ts';
import { gather } from '../crowd/gather.ts';
import { breakAndMend, startSchool } from '../crowd/klatab.ts';
import { AppProcess } from './app-process.ts';
import { WARM_UP_MINUTES, mib } from './memory.ts';
import type { MemorySample } from './memory.ts';
import { limitsOf, textOf } from './report.ts';
import type { SoakReport } from './report.ts';

const USAGE = `usage: npm run example:klatab:soak -- [--minutes 10] [--people 50] [--browsers 50] [--json]

  --minutes     how long, 1 to 600; the trend of the memory is judged from 7 on
  --people      in all, 4 to 200
  --browsers    of these with a browser, 0 to --people; the others do what a browser does
  --json        the report as JSON on standard output, what happens meanwhile on standard error
`;

const FAULTS = ['kill-primary', 'freeze-primary', 'switchover', 'two-masters'] as const;
const BETWEEN_FAULTS_MS = 15_000;
const TWO_MASTERS_MS = 5_000;
const THINK_MS = 3_000;
/** Fifty browsers on two cores that others use as well take their time. */
const GOING_ON_MS = 900_000;

interface Soak {
  readonly minutes: number;
  readonly people: number;
  readonly browsers: number;
  readonly json: boolean;
}

type Say = (line: string) => void;

async function soak(options: Soak, say: Say, signal: AbortSignal): Promise<SoakReport> {
  const { minutes, people, browsers } = options;
  say(`starting a cluster, and a browser for ${browsers} of ${people} people …`);
  const { cluster, db } = await startSchool({ promoteAfterMs: 2_000, signal });
  await using cleanUp = new AsyncDisposableStack();
  cleanUp.defer(() => cluster.stop());
  cleanUp.defer(() => db.close());
  const app = cleanUp.use(await AppProcess.start(cluster));
  const browser = await launchBrowser();
  let crowd: Crowd | undefined;
  // Without their browsers they end at once, and nobody begins anew.
  cleanUp.defer(async () => void (await Promise.all([browser.close(), crowd?.stop()])));
  const members = await gather({ address: app.address, db }, browser, { people, browsers });
  crowd = new Crowd(members, { thinkMs: THINK_MS });
  crowd.start();
  const memory = await breakThings(cluster, app, minutes, crowd, say, signal);
  await crowd.everybodyGoesOn(1, GOING_ON_MS);
  await crowd.stop();
  const { problems, ...counts } = crowd.report;
  const lostOrTwice = await crowd.compare(db);
  const limits = limitsOf({ problems, lostOrTwice, streamsLeft: await streamsLeft(app), memory });
  return { held: limits.every(({ held }) => held !== false), ...counts, memory, limits };
}

/** Breaks one thing after the other, and looks at the app's memory each minute. */
async function breakThings(
  cluster: Cluster,
  app: AppProcess,
  minutes: number,
  crowd: Crowd,
  say: Say,
  signal: AbortSignal,
): Promise<readonly MemorySample[]> {
  const begin = performance.now();
  const failed = new AbortController();
  const ended = AbortSignal.any([signal, failed.signal]);
  const at = (minute: number) =>
    setTimeout(Math.max(0, begin + minute * 60_000 - performance.now()), undefined, { signal: ended });
  const breaking = async () => {
    for (let turn = 0; performance.now() < begin + minutes * 60_000; turn += 1) {
      const name = FAULTS[turn % FAULTS.length] ?? 'kill-primary';
      say(`${name}; so far ${crowd.report.rounds} rounds, ${crowd.report.problems.length} problems`);
      const hold = () => setTimeout(TWO_MASTERS_MS, undefined, { signal: ended });
      await breakAndMend(cluster, name, name === 'two-masters' ? hold : undefined);
      await setTimeout(BETWEEN_FAULTS_MS, undefined, { signal: ended });
    }
  };
  const watching = async () => {
    const samples: MemorySample[] = [];
    for (let minute = WARM_UP_MINUTES; minute <= minutes; minute += 1) {
      await at(minute);
      const sample = await sampleOf(app, minute);
      say(`minute ${minute}: heap ${mib(sample.heapBytes)}, resident ${mib(sample.residentBytes)}`);
      samples.push(sample);
    }
    return samples;
  };
  const both = [breaking(), watching()] as const;
  try {
    return (await Promise.all(both))[1];
  } catch (error) {
    failed.abort();
    await Promise.allSettled(both);
    throw error;
  }
}

async function sampleOf(app: AppProcess, minute: number): Promise<MemorySample> {
  const metrics = await app.metrics();
  return {
    minute,
    heapBytes: metric(metrics, 'nodejs_heap_size_used_bytes'),
    residentBytes: metric(metrics, 'process_resident_memory_bytes'),
  };
}

function metric(metrics: ReadonlyMap<string, number>, name: string): number {
  const value = metrics.get(name);
  if (value === undefined) throw new Error(`/metrics of the app says nothing of ${name}`);
  return value;
}

/** Sockets are closed a moment after their pages. */
async function streamsLeft(app: AppProcess): Promise<number> {
  const streams = async () => metric(await app.metrics(), 'klatab_live_streams');
  for (let tries = 0; tries < 100 && (await streams()) > 0; tries += 1) await setTimeout(100);
  return streams();
}

/** @returns undefined where help was asked for. @throws with one line that names what is wrong. */
function readArguments(args: readonly string[]): Soak | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '10' },
      people: { type: 'string', default: '50' },
      browsers: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) return undefined;
  const people = integer('--people', values.people, 4, 200);
  const browsers = integer('--browsers', values.browsers ?? String(people), 0, people);
  const minutes = integer('--minutes', values.minutes, 1, 600);
  return { minutes, people, browsers, json: values.json };
}

function integer(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new Error(`${name} ${text}: must be a whole number from ${least} to ${most}`);
}

async function main(signal: AbortSignal): Promise<number> {
  let options: Soak | undefined;
  try {
    options = readArguments(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${USAGE}`);
    return 2;
  }
  if (options === undefined) {
    process.stdout.write(USAGE);
    return 0;
  }
  const progress = options.json ? process.stderr : process.stdout;
  try {
    const report = await soak(options, (line) => void progress.write(`${line}\n`), signal);
    process.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : textOf(report));
    return report.held ? 0 : 10;
  } catch (error) {
    if (signal.aborted) return 130;
    process.stderr.write(`${(error as Error).stack ?? String(error)}\n`);
    return 1;
  }
}

const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupted.abort());
process.exitCode = await main(interrupted.signal);
