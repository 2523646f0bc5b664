import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { epochMs } from '../measure/clock.ts';
import { pause } from '../measure/pause.ts';
import { seededRandom } from '../measure/random.ts';
import type { Random } from '../measure/random.ts';
import type { EngineName } from '../options/engine.ts';
import { UsageError } from '../options/usage-error.ts';
import type { BenchContext } from '../bench/run-failover.ts';
import { ENDINGS, leftoversReport } from './leftovers-report.ts';
import type { Ending, LeftoversReport, Schedule } from './leftovers-report.ts';
import { Traces } from './traces.ts';

export interface LeftoversOptions {
  engine: EngineName;
  /** How many random schedules. */
  schedules: number;
  seed: number;
}

/** What one schedule is drawn to be. */
interface Draw {
  number: number;
  ending: Ending;
  /** From the start of the program, in milliseconds: it may still be starting its cluster. */
  endAtMs: number;
  chaosSeed: number;
}

const LOAD = ['--clients', '10', '--think', '100ms', '--duration', '6s', '--quiet'];
const EMBEDDED = ['--promote-after', '500ms'];
/** By then every fault has been at work, and most runs are over. */
const LATEST_END_MS: Record<EngineName, number> = { embedded: 10_000, patroni: 45_000 };
const SOONEST_END_MS = 300;
/** The second Ctrl-C comes so long after the first, at most. */
const SECOND_MS = 1_500;
const END_LIMIT_MS = 180_000;
/** What must be gone then; nothing waits that long. */
const GONE_LIMIT_MS = 30_000;
const LOOK_MS = 250;
const MOST_WORDS = 2_000;

/** Ends load generators in the middle of random faults, in every way there is, and looks for what they leave behind. */
export async function runLeftovers(
  { engine, schedules, seed }: LeftoversOptions,
  { signal, cleanup, say }: BenchContext,
  tell: (schedule: Schedule) => void,
): Promise<LeftoversReport> {
  if (process.platform !== 'linux')
    throw new UsageError('soak leftovers reads /proc, which only Linux has: run it there');
  const random = seededRandom(seed);
  const endings = drawEndings(random);
  const done: Schedule[] = [];
  say(`${schedules} random schedules from seed ${seed}, engine ${engine}`);
  for (let number = 1; number <= schedules; number++) {
    const draw: Draw = {
      number,
      ending: endings.next().value,
      endAtMs: SOONEST_END_MS + random() * (LATEST_END_MS[engine] - SOONEST_END_MS),
      chaosSeed: Math.floor(random() * 2 ** 31),
    };
    const schedule = await runOne(engine, draw, { signal, cleanup });
    // Ctrl-C took it away in the middle: what came of that is no result.
    signal.throwIfAborted();
    done.push(schedule);
    tell(schedule);
  }
  return leftoversReport(engine, seed, done);
}

/** Each as often as the others, in rounds of an order of their own. */
function* drawEndings(random: Random): Generator<Ending, never> {
  for (;;) {
    const left = [...ENDINGS];
    while (left.length > 0) yield left.splice(Math.floor(random() * left.length), 1)[0]!;
  }
}

async function runOne(
  engine: EngineName,
  draw: Draw,
  { signal, cleanup }: Pick<BenchContext, 'signal' | 'cleanup'>,
): Promise<Schedule> {
  const place = await mkdtemp(join(tmpdir(), 'schooldb-soak-'));
  // Servers of another account pass through it.
  await chmod(place, 0o755);
  const program = startLoadgen(engine, draw, place);
  cleanup.defer(() => program.kill('SIGKILL'));
  const lastWords = keepLastWords(program);
  const traces = new Traces(program.pid!, place);
  try {
    const code = await endIt(program, draw, traces, signal);
    return {
      number: draw.number,
      chaosSeed: draw.chaosSeed,
      ending: draw.ending,
      endedAtMs: Math.round(draw.endAtMs),
      exit: code,
      lastWords: lastWords(),
      processes: traces.processes,
      left: signal.aborted ? [] : await leftAtLast(traces),
    };
  } finally {
    program.kill('SIGKILL');
    await rm(place, { recursive: true, force: true, maxRetries: 5 });
  }
}

function startLoadgen(engine: EngineName, { chaosSeed }: Draw, place: string): ChildProcess {
  const script = fileURLToPath(new URL(`../cli${extname(import.meta.url)}`, import.meta.url));
  const chaos = ['--chaos', `seed=${chaosSeed},every=1s,overlap=true`];
  const argv = ['--engine', engine, ...LOAD, ...chaos, ...(engine === 'embedded' ? EMBEDDED : [])];
  return spawn(process.execPath, [script, ...argv], {
    cwd: place,
    env: { ...process.env, TMPDIR: place, XDG_RUNTIME_DIR: place },
    stdio: ['ignore', 'ignore', 'pipe'],
    // A group of its own: Ctrl-C at this program is not meant for it.
    detached: true,
  });
}

/** The last line of what it complains of. */
function keepLastWords({ stderr }: ChildProcess): () => string {
  let tail = '';
  stderr?.setEncoding('utf8').on('data', (text: string) => (tail = (tail + text).slice(-MOST_WORDS)));
  return () => tail.trim().split('\n').at(-1) ?? '';
}

/** Lets it end by itself, or ends it in the way that was drawn; its exit code, or the signal that ended it. */
async function endIt(
  program: ChildProcess,
  { ending, endAtMs }: Draw,
  traces: Traces,
  signal: AbortSignal,
): Promise<number | string> {
  const exited = once(program, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const over = new AbortController();
  void exited.then(() => over.abort());
  const either = AbortSignal.any([over.signal, signal]);
  await watch(traces, endAtMs, either);
  if (!either.aborted) await strike(program, ending, traces, either);
  await watch(traces, END_LIMIT_MS, either);
  if (!over.signal.aborted) return signal.aborted ? 'given up' : `still running after ${END_LIMIT_MS} ms`;
  const [code, killedBy] = await exited;
  return code ?? killedBy ?? 'unknown';
}

async function strike(
  program: ChildProcess,
  ending: Ending,
  traces: Traces,
  signal: AbortSignal,
): Promise<void> {
  switch (ending) {
    case 'by itself':
      return;
    case 'SIGINT':
    case 'SIGTERM':
    case 'SIGKILL':
      program.kill(ending);
      return;
    case 'SIGINT twice':
      return twice(program, traces, signal);
    case 'SIGKILL of the supervisor': {
      const supervisor = traces.find('supervisor/main');
      if (supervisor !== null) kill(supervisor);
      return twice(program, traces, signal);
    }
  }
}

async function twice(program: ChildProcess, traces: Traces, signal: AbortSignal): Promise<void> {
  program.kill('SIGINT');
  await watch(traces, SECOND_MS, signal);
  program.kill('SIGINT');
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself meanwhile.
  }
}

/** Keeps looking at what the program holds, for so long or until it has ended. */
async function watch(traces: Traces, forMs: number, signal: AbortSignal): Promise<void> {
  const until = epochMs() + forMs;
  do {
    traces.look();
    await pause(Math.max(0, Math.min(LOOK_MS, until - epochMs())), signal);
  } while (!signal.aborted && epochMs() < until);
}

/** What is still there when the time for cleaning up is over. */
async function leftAtLast(traces: Traces): Promise<string[]> {
  const until = epochMs() + GONE_LIMIT_MS;
  for (;;) {
    const left = traces.left();
    if (left.length === 0 || epochMs() > until) return left;
    await pause(LOOK_MS);
  }
}
