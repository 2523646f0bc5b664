import type { FaultName, FaultOptions } from '@schooldb/local-cluster';
import { seededRandom } from '../measure/random.ts';
import type { Random } from '../measure/random.ts';
import { parseDuration } from './duration.ts';
import { faultsOfEngine } from './engine.ts';
import type { EngineName } from './engine.ts';
import type { ScheduledFault } from './fault-schedule.ts';
import { UsageError } from './usage-error.ts';

/** What `--chaos` asks for. */
export interface Chaos {
  /** The same seed makes the same schedule. */
  seed: number;
  /** From one fault to the next, in milliseconds, give or take a quarter. */
  everyMs: number;
  /** Drawn from these. */
  faults: readonly FaultName[];
  /** Each at its moment, whatever is still broken; otherwise each waits until the cluster is whole. */
  overlap: boolean;
}

/** How one fault is drawn: its options, and how long it lasts; null leaves it to the cluster to heal. */
interface Draw {
  options?: (random: Random) => FaultOptions;
  forMs: readonly [least: number, most: number] | null;
}

const KEYS = ['seed', 'every', 'faults', 'overlap'];
const HIGHEST_SEED = 2 ** 31 - 1;
const LEAST_EVERY_MS = 1_000;
const STEP_MS = 100;
const DEFAULT_EVERY_MS = 20_000;

/** What can strike anywhere, any number of times, without leaving a cluster that cannot heal. */
const DRAWS: Partial<Record<FaultName, Draw>> = {
  'kill-primary': { forMs: null },
  'freeze-primary': { forMs: null },
  'frozen-postmaster': { forMs: [1_000, 4_000] },
  'crash-backend': { forMs: null },
  restart: { forMs: null },
  switchover: { forMs: null },
  'cut-replication': { forMs: [1_000, 4_000] },
  lag: { options: (random) => ({ lagMs: between(random, 500, 3_000) }), forMs: [2_000, 5_000] },
  refuse: { options: anyAddress, forMs: [500, 3_000] },
  reset_peer: { options: anyAddress, forMs: [500, 2_000] },
  blackhole: {
    options: (random) => ({
      ...anyAddress(random),
      direction: pick(random, ['upstream', 'downstream', 'both']),
    }),
    forMs: [1_000, 4_000],
  },
  latency: {
    options: (random) => ({ ...anyAddress(random), latencyMs: between(random, 50, 400) }),
    forMs: [2_000, 5_000],
  },
  slicer: { options: anyAddress, forMs: [1_000, 3_000] },
  limit_data: { options: anyAddress, forMs: [1_000, 3_000] },
  'two-masters': {
    options: (random) => ({ other: pick(random, ['standby', 'blackhole', 'refuse']) }),
    forMs: [1_000, 4_000],
  },
  'cut-after-commit': {
    options: (random) => ({ cut: pick(random, ['reset', 'silence']) }),
    forMs: [2_000, 5_000],
  },
  partition: { forMs: [3_000, 8_000] },
  'kill-agent': { forMs: [3_000, 8_000] },
  'freeze-agent': { forMs: [3_000, 8_000] },
  'lose-etcd': { forMs: [5_000, 30_000] },
  'cut-etcd': { forMs: [5_000, 30_000] },
};

/** Reads `seed=42,every=20s,faults=kill-primary|refuse,overlap=true`. @throws UsageError naming what is allowed. */
export function parseChaos(text: string, engine: EngineName): Chaos {
  const given = new Map(text.split(',').map((part) => keyAndValue(part.trim())));
  return {
    seed: seedOf(given.get('seed')),
    everyMs: everyOf(given.get('every')),
    faults: faultsOf(given.get('faults'), engine),
    overlap: overlapOf(given.get('overlap')),
  };
}

/** Those of an engine that chaos can draw. */
export function chaosFaults(engine: EngineName): FaultName[] {
  return faultsOfEngine(engine).filter((name) => DRAWS[name] !== undefined);
}

/**
 * The schedule of a seed: which faults, with which options, when and for how long. A pure function, in the order of
 * their moments; what would not be over by `durationMs` is left out.
 */
export function chaosSchedule({ seed, everyMs, faults }: Chaos, durationMs: number): ScheduledFault[] {
  const random = seededRandom(seed);
  const schedule: ScheduledFault[] = [];
  for (let turn = 1; ; turn++) {
    const atMs = between(random, (turn - 0.25) * everyMs, (turn + 0.25) * everyMs);
    if (atMs >= durationMs) return schedule;
    const name = pick(random, faults);
    const { options, forMs } = DRAWS[name]!;
    const fault = {
      name,
      options: options?.(random) ?? {},
      atMs,
      forMs: forMs === null ? null : between(random, ...forMs),
    };
    if (atMs + (fault.forMs ?? 0) < durationMs) schedule.push(fault);
  }
}

function anyAddress(random: Random): FaultOptions {
  return { endpoint: pick(random, ['master', 'replica']) };
}

function pick<T>(random: Random, values: readonly T[]): T {
  return values[Math.floor(random() * values.length)]!;
}

/** In steps that a schedule can be written down in. */
function between(random: Random, least: number, most: number): number {
  return Math.round((least + random() * (most - least)) / STEP_MS) * STEP_MS;
}

function keyAndValue(part: string): [key: string, value: string] {
  const match = /^(\w+)=(.+)$/s.exec(part);
  if (match === null || !KEYS.includes(match[1]!))
    throw new UsageError(
      `--chaos: '${part}' is not one of seed=N, every=TIME, faults=NAME|NAME, overlap=true; write it as seed=42,every=20s`,
    );
  return [match[1]!, match[2]!.trim()];
}

function seedOf(text: string | undefined): number {
  const seed = Number(text);
  if (text === undefined || !/^\d+$/.test(text) || seed > HIGHEST_SEED)
    throw new UsageError(`--chaos: seed must be a whole number from 0 to ${HIGHEST_SEED}${wasGiven(text)}`);
  return seed;
}

function everyOf(text: string | undefined): number {
  if (text === undefined) return DEFAULT_EVERY_MS;
  const ms = parseDuration(text);
  if (ms === null || ms < LEAST_EVERY_MS)
    throw new UsageError(`--chaos: every must be a time of 1s or more, such as 20s${wasGiven(text)}`);
  return ms;
}

function faultsOf(text: string | undefined, engine: EngineName): readonly FaultName[] {
  const known = chaosFaults(engine);
  if (text === undefined) return known;
  return text.split('|').map((part) => {
    const name = known.find((each) => each === part.trim());
    if (name === undefined)
      throw new UsageError(
        `--chaos: faults: '${part}' cannot be drawn with engine ${engine}; there are ${known.join(', ')}`,
      );
    return name;
  });
}

function overlapOf(text: string | undefined): boolean {
  if (text === undefined || text === 'false') return false;
  if (text !== 'true') throw new UsageError(`--chaos: overlap must be true or false${wasGiven(text)}`);
  return true;
}

function wasGiven(text: string | undefined): string {
  return text === undefined ? ', and was not given' : `, '${text}' was given`;
}
