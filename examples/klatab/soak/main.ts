/**
 * A school at work for minutes, everybody with a browser, while one fault follows the other:
 *
 *   npm run example:klatab:soak -- --minutes 10
 *
 * Exit codes: 0 held, 10 it did not, 2 wrong usage, 1 it could not be run, 130 Ctrl-C.
 */
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { launchBrowser } from '../crowd/browser.ts';
import { Crowd } from '../crowd/crowd.ts';
import { gather } from '../crowd/gather.ts';
import { KlaTab, breakAndMend } from '../crowd/klatab.ts';

const USAGE = `usage: npm run example:klatab:soak -- [--minutes 10] [--people 50] [--browsers 50]

  --minutes     how long, 1 to 600
  --people      in all, 4 to 200
  --browsers    of these with a browser, 0 to --people; the others do what a browser does
`;

const FAULTS = ['kill-primary', 'freeze-primary', 'switchover', 'two-masters'] as const;
const BETWEEN_FAULTS_MS = 15_000;
const TWO_MASTERS_MS = 5_000;
const THINK_MS = 3_000;
/** What a heap may differ by between two moments of the same load. */
const HEAP_TOLERANCE_BYTES = 40 * 2 ** 20;
/** Fifty browsers on two cores that others use as well take their time. */
const GOING_ON_MS = 900_000;

interface Soak {
  readonly minutes: number;
  readonly people: number;
  readonly browsers: number;
}

async function soak({ minutes, people, browsers }: Soak, signal: AbortSignal): Promise<string[]> {
  say(`starting a cluster, and a browser for ${browsers} of ${people} people …`);
  await using klatab = await KlaTab.start({ promoteAfterMs: 2_000, signal });
  const browser = await launchBrowser();
  let crowd: Crowd | undefined;
  try {
    crowd = new Crowd(await gather(klatab, browser, { people, browsers }), { thinkMs: THINK_MS });
    crowd.start();
    await crowd.everybodyGoesOn(1, GOING_ON_MS);
    const before = heapBytes();
    await breakThings(klatab, minutes, crowd, signal);
    await crowd.everybodyGoesOn(1, GOING_ON_MS);
    const after = heapBytes();
    await crowd.stop();
    const { rounds, saved, longestMs, stalePages, problems } = crowd.report;
    const found = [...problems, ...(await crowd.compare(klatab.db))];
    const streams = await streamsLeft(klatab);
    if (streams > 0) found.push(`${streams} live streams are left, and nobody is there`);
    if (after - before > HEAP_TOLERANCE_BYTES)
      found.push(`the heap has grown from ${mib(before)} to ${mib(after)}`);
    say(
      `${rounds} rounds, ${saved} saved, longest round ${longestMs} ms, ${stalePages} pages that said they may lag`,
    );
    say(`heap ${mib(before)} at the beginning, ${mib(after)} at the end; ${streams} live streams left`);
    return found;
  } finally {
    // Without their browsers they end at once, and nobody begins anew.
    await Promise.all([browser.close(), crowd?.stop()]);
  }
}

async function breakThings(
  klatab: KlaTab,
  minutes: number,
  crowd: Crowd,
  signal: AbortSignal,
): Promise<void> {
  const end = performance.now() + minutes * 60_000;
  for (let turn = 0; performance.now() < end; turn += 1) {
    const name = FAULTS[turn % FAULTS.length] ?? 'kill-primary';
    say(`${name}; so far ${crowd.report.rounds} rounds, ${crowd.report.problems.length} problems`);
    const hold = () => setTimeout(TWO_MASTERS_MS, undefined, { signal });
    await breakAndMend(klatab.cluster, name, name === 'two-masters' ? hold : undefined);
    await setTimeout(BETWEEN_FAULTS_MS, undefined, { signal });
  }
}

/** Sockets are closed a moment after their pages. */
async function streamsLeft(klatab: KlaTab): Promise<number> {
  for (let tries = 0; tries < 100 && klatab.app.live.streams > 0; tries += 1) await setTimeout(100);
  return klatab.app.live.streams;
}

/** What is in use once everything that nobody needs is gone. */
function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** @returns undefined where help was asked for. @throws with one line that names what is wrong. */
function readArguments(args: readonly string[]): Soak | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '10' },
      people: { type: 'string', default: '50' },
      browsers: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) return undefined;
  const people = integer('--people', values.people, 4, 200);
  const browsers = integer('--browsers', values.browsers ?? String(people), 0, people);
  return { minutes: integer('--minutes', values.minutes, 1, 600), people, browsers };
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
    say(USAGE);
    return 0;
  }
  try {
    const found = await soak(options, signal);
    say(found.length === 0 ? 'held' : `did not hold:\n${found.slice(0, 40).join('\n')}`);
    return found.length === 0 ? 0 : 10;
  } catch (error) {
    if (signal.aborted) return 130;
    process.stderr.write(`${(error as Error).stack ?? String(error)}\n`);
    return 1;
  }
}

const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupted.abort());
process.exitCode = await main(interrupted.signal);
