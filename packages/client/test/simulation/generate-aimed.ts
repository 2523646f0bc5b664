/** Schedules that are aimed at something which chance alone would hardly ever bring about. */
import type { Dice } from './dice.ts';
import { makeConfig } from './generate-config.ts';
import type { FaultPlan, OperationKind, OperationPlan, Schedule } from './schedule.ts';
import { isLease } from './schedule.ts';

type Make = (seed: number, dice: Dice) => Schedule;

/** Each with its share of all schedules. */
const AIMED: readonly (readonly [number, Make])[] = [
  [0.03, makeDeadBranch],
  [0.03, makeDiffering],
  [0.02, makeTwoMasters],
  [0.01, makeLockHandover],
];

/** @returns undefined where this one is left to chance. */
export function aimedAt(seed: number, dice: Dice): Schedule | undefined {
  const make = AIMED.find(([share]) => dice.chance(share))?.[1];
  return make?.(seed, dice);
}

/**
 * One standby falls behind; the other one goes on, is cut off, and stays there with what it has, while the one that was
 * behind is promoted. Its position lies beyond the new primary's for a while, and it answers.
 */
function makeDeadBranch(seed: number, dice: Dice): Schedule {
  const config = makeConfig(dice.fork());
  const cutAt = dice.integer(500, 1_500);
  const isolatedAt = cutAt + dice.integer(500, 2_000);
  const killedAt = isolatedAt + dice.integer(1, 30);
  const [behind, ahead] = dice.pick([
    [0, 1],
    [1, 0],
  ]);
  const faults: FaultPlan[] = [
    { kind: 'cut-replication', at: cutAt, forMs: 20_000, nth: behind },
    { kind: 'isolate-standby', at: isolatedAt, forMs: 12_000, nth: ahead },
    { kind: 'kill-primary', at: killedAt, forMs: 0 },
  ];
  const visits = (count: number, from: number, to: number) =>
    Array.from({ length: count }, (): [OperationKind, number] => ['visit', dice.integer(from, to)]);
  const times = [
    ...visits(5, 0, cutAt),
    ...visits(dice.integer(5, 20), cutAt, isolatedAt),
    ...visits(8, killedAt + 1_000, killedAt + 6_000),
  ].toSorted(([, one], [, other]) => one - other);
  const operations = times.map(([kind, at], index): OperationPlan => ({
    id: `k${index}`,
    kind,
    at,
    deadlineMs: 10_000,
    ...inSession(dice, kind),
  }));
  return {
    seed,
    config: {
      ...config,
      cluster: {
        ...config.cluster,
        synchronous: false,
        standbys: 2,
        hasCommitSlots: true,
        maxBackends: 100,
        ttlMs: 1_000,
        restartMs: 8_000,
        labelMs: [10, 500],
        newTimelineInPlace: false,
      },
      replicaAddress: true,
      client: { ...config.client, maxWaiting: 10_000, idleTimeoutMs: 30_000, maxLifetimeMs: 1_800_000 },
    },
    operations,
    faults,
    closeAt: null,
  };
}

/** Replicas of which one is late, the primary cut off at some time perhaps, and sessions that read from all of them. */
function makeDiffering(seed: number, dice: Dice): Schedule {
  const config = makeConfig(dice.fork());
  const lastsMs = 8_000;
  const faults: FaultPlan[] = [
    { kind: 'lag', at: dice.integer(0, 500), forMs: lastsMs, nth: 0, size: dice.integer(100, 3_000) },
  ];
  if (dice.chance(0.5)) faults.push({ kind: 'partition', at: dice.integer(1_000, 4_000), forMs: lastsMs });
  const operations = Array.from({ length: 40 }, (_, index): OperationPlan => {
    // Several at a time, so that connections to both are open.
    const at = Math.floor(index / 4) * 200 + dice.integer(0, 20);
    return { id: `k${index}`, kind: 'scan', at, deadlineMs: 10_000, session: dice.pick(['s1', 's2']) };
  });
  return {
    seed,
    config: {
      ...config,
      cluster: { ...config.cluster, standbys: 2, hasCommitSlots: true, maxBackends: 100, ttlMs: 1_000 },
      replicaAddress: true,
      foreignWriteMs: dice.pick([10, 50]),
      client: { ...config.client, maxConnections: 8, maxWaiting: 10_000, consistency: 'session' },
    },
    operations: operations.toSorted((one, other) => one.at - other.at),
    faults: faults.toSorted((one, other) => one.at - other.at),
    closeAt: null,
  };
}

/** A conflict that does not end: each operation would be repeated until its deadline. */
export function makeStorm(dice: Dice): OperationPlan[] {
  return Array.from({ length: 40 }, (_, index) => ({
    id: `k${index}`,
    kind: 'transaction' as const,
    at: Math.round(dice.between(0, 1_000)),
    deadlineMs: 20_000,
    steps: [{ kind: 'insert' as const }, { kind: 'fail' as const, code: '40001' }],
  }));
}

/** Two users, beside what belongs to nobody. */
export function inSession(dice: Dice, kind: OperationKind): Partial<OperationPlan> {
  if (isLease(kind) || kind === 'copy') return {};
  if (!dice.chance(kind === 'visit' || kind === 'scan' ? 0.8 : 0.3)) return {};
  return { session: dice.pick(['s1', 's2']), ...(dice.chance(0.2) ? { handOver: true } : {}) };
}

/**
 * The old primary goes on, cut off from the others, and its address leads to it and to the new one by turns, while
 * answers to commits are lost: where they are asked about decides.
 */
function makeTwoMasters(seed: number, dice: Dice): Schedule {
  const config = makeConfig(dice.fork());
  const partitionAt = dice.integer(500, 1_000);
  const faults: FaultPlan[] = [
    { kind: 'partition', at: partitionAt, forMs: 15_000 },
    ...Array.from({ length: 6 }, (_, index): FaultPlan => {
      const at = partitionAt + 2_000 + index * 1_000;
      return { kind: 'at-commit', at, forMs: 900, phase: 'answered', strike: 'cut', nth: dice.integer(1, 3) };
    }),
  ];
  const operations = Array.from({ length: 30 }, (_, index): OperationPlan => {
    const at = dice.chance(0.2) ? dice.integer(0, partitionAt) : partitionAt + dice.integer(2_000, 9_000);
    const kind = dice.pick(['transaction', 'once', 'write'] as const);
    const steps = kind === 'transaction' ? { steps: [{ kind: 'insert' as const }] } : {};
    return { id: `k${index}`, kind, at, deadlineMs: 10_000, ...steps };
  });
  return {
    seed,
    config: {
      ...config,
      cluster: {
        ...config.cluster,
        synchronous: false,
        hasCommitSlots: true,
        maxBackends: 100,
        ttlMs: 1_000,
        labelMs: [10, 20_000],
        newTimelineInPlace: false,
      },
      client: { ...config.client, maxWaiting: 10_000, closeTimeoutMs: 1_000 },
    },
    operations: operations.toSorted((one, other) => one.at - other.at),
    faults,
    closeAt: null,
  };
}

/**
 * Whoever holds a lock on the old primary, cut off with it, waits for a commit that nobody confirms, while others take
 * the same lock on the new one.
 */
function makeLockHandover(seed: number, dice: Dice): Schedule {
  const config = makeConfig(dice.fork());
  const partitionAt = dice.integer(300, 800);
  const holders = Array.from({ length: 6 }, (_, index): OperationPlan => ({
    id: `k${index}`,
    kind: 'lock',
    at: index === 0 ? partitionAt - 200 : partitionAt + dice.integer(0, 6_000),
    deadlineMs: 20_000,
    lock: 1,
    steps: [
      { kind: 'wait', ms: dice.pick([1, 250]) },
      { kind: 'insert' },
      { kind: 'wait', ms: dice.pick([1, 1_000]) },
    ],
  }));
  const others = Array.from({ length: 10 }, (_, index): OperationPlan => ({
    id: `w${index}`,
    kind: dice.pick(['write', 'scan']),
    at: dice.integer(0, partitionAt + 6_000),
    deadlineMs: 20_000,
  }));
  return {
    seed,
    config: {
      ...config,
      cluster: {
        ...config.cluster,
        standbys: 2,
        hasCommitSlots: true,
        maxBackends: 100,
        ttlMs: 1_000,
        labelMs: [10, dice.pick([10, 10_000])],
        newTimelineInPlace: false,
      },
      client: { ...config.client, maxConnections: 8, maxWaiting: 10_000 },
    },
    operations: [...holders, ...others].toSorted((one, other) => one.at - other.at),
    faults: [{ kind: 'partition', at: partitionAt, forMs: 12_000 }],
    closeAt: null,
  };
}
