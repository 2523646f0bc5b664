/** Makes a schedule from a seed. */
import { Dice } from './dice.ts';
import type { EndpointKind } from './endpoints.ts';
import { COMMIT_PHASES } from './model/observer.ts';
import type {
  FaultKind,
  FaultPlan,
  OperationKind,
  OperationPlan,
  Schedule,
  ScheduleConfig,
  TransactionStep,
} from './schedule.ts';
import { COMMIT_STRIKES } from './schedule.ts';

/** Of all schedules, those that strike at the very moment of a COMMIT. */
const ADVERSARIAL = 0.15;
/** Of all schedules, those that leave a standby behind on a dead branch of history, ahead of the new primary. */
const DEAD_BRANCH = 0.03;
/** Of all schedules, those in which somebody reads from replicas of which one is late. */
const DIFFERING = 0.03;
/** Of all schedules, those whose operations the server rolls back again and again. */
const STORMY = 0.004;

export function generate(seed: number): Schedule {
  const dice = new Dice(seed);
  if (dice.chance(DEAD_BRANCH)) return makeDeadBranch(seed, dice);
  if (dice.chance(DIFFERING)) return makeDiffering(seed, dice);
  const config = makeConfig(dice.fork());
  const lastsMs = dice.between(2_000, 15_000);
  const faults = makeFaults(dice.fork(), config, lastsMs);
  const operations = dice.chance(STORMY)
    ? makeStorm(dice.fork())
    : makeOperations(dice.fork(), faults, lastsMs, config.client.deadlineMs);
  const closeAt = dice.chance(0.2) ? Math.round(dice.between(0, lastsMs * 1.2)) : null;
  return { seed, config, operations, faults, closeAt };
}

function makeConfig(dice: Dice): ScheduleConfig {
  const poolers = dice.chance(0.4);
  const latencyMost = dice.pick([0.5, 1, 3, 20]);
  return {
    cluster: {
      synchronous: dice.chance(0.7),
      standbys: dice.integer(1, 2),
      hasCommitSlots: dice.chance(0.95),
      // Poolers keep what they have: of a few they would leave nothing to anybody.
      maxBackends: !poolers && dice.chance(0.1) ? dice.integer(2, 6) : 100,
      ttlMs: dice.pick([1_000, 3_000, 10_000, 20_000]),
      restartMs: dice.pick([500, 2_000, 8_000, 15_000]),
      startMs: dice.pick([50, 300, 2_000]),
      labelMs: [dice.pick([10, 500, 5_000, 15_000]), dice.pick([10, 500, 5_000, 20_000])],
      demoteMs: dice.pick([100, 1_000, 8_000]),
      newTimelineInPlace: dice.chance(0.4),
    },
    replicaAddress: dice.chance(0.7),
    poolers,
    foreignWriteMs: dice.chance(0.2) ? dice.pick([10, 100, 1_000]) : null,
    latencyMs: [latencyMost / 5, latencyMost],
    deadServer: dice.pick(['refuse', 'silent', 'reset']),
    client: {
      maxConnections: dice.integer(3, 10),
      maxWaiting: dice.pick([0, 2, 10, 10_000, 10_000]),
      deadlineMs: dice.pick([1_000, 5_000, 20_000, 60_000]),
      idleTimeoutMs: dice.pick([1_000, 5_000, 30_000]),
      maxLifetimeMs: dice.pick([1_000, 10_000, 1_800_000]),
      connectSilenceMs: dice.pick([300, 1_000, 2_000]),
      closeTimeoutMs: dice.pick([0, 1_000, 10_000]),
      prefer: dice.pick(['direct', 'pooler']),
      consistency: dice.pick(['process', 'process', 'session', 'eventual']),
      maxStalenessMs: dice.chance(0.2) ? dice.pick([100, 500, 5_000]) : false,
      readOnlyWhenNoPrimary: dice.chance(0.3),
    },
  };
}

const FAULT_WEIGHTS: Readonly<Record<FaultKind, number>> = {
  'kill-primary': 5,
  'kill-standby': 2,
  'freeze-primary': 4,
  'freeze-standby': 2,
  'frozen-postmaster': 1,
  'crash-backend': 3,
  'terminate-backends': 2,
  restart: 2,
  switchover: 3,
  partition: 3,
  'cut-replication': 2,
  'isolate-standby': 1,
  'cancel-sync-waits': 1,
  lag: 2,
  'slow-server': 2,
  refuse: 1,
  reset: 3,
  blackhole: 3,
  latency: 1,
  'cut-packet': 2,
  'at-commit': 2,
  'stale-pooler': 1,
  'pooler-down': 1,
};

function makeFaults(dice: Dice, config: ScheduleConfig, lastsMs: number): FaultPlan[] {
  const faults: FaultPlan[] = [];
  const adversarial = dice.chance(ADVERSARIAL);
  const count = adversarial ? dice.integer(1, 3) : dice.integer(0, 4);
  for (let index = 0; index < count; index += 1) {
    const kind = adversarial && index === 0 ? 'at-commit' : dice.weighted(FAULT_WEIGHTS);
    if (!config.poolers && (kind === 'stale-pooler' || kind === 'pooler-down')) continue;
    const at = Math.round(dice.between(0, lastsMs));
    faults.push(makeFault(dice, kind, at, config));
    // A cut standby, then a wait that is given up, then a failover: each alone is harmless.
    if (kind === 'cut-replication' && dice.chance(0.5)) {
      faults.push({ kind: 'cancel-sync-waits', at: at + dice.integer(50, 1_500), forMs: 0 });
      if (dice.chance(0.5))
        faults.push({ kind: 'kill-primary', at: at + dice.integer(1_500, 3_000), forMs: 0 });
    }
  }
  return faults.toSorted((one, other) => one.at - other.at);
}

function makeFault(dice: Dice, kind: FaultKind, at: number, config: ScheduleConfig): FaultPlan {
  const plan = {
    kind,
    at,
    forMs: Math.round(dice.pick([100, 1_000, 5_000, 15_000, 30_000]) * dice.between(0.3, 1)),
  };
  return { ...plan, ...DETAILS[kind]?.(dice, config) };
}

/** What a fault needs beyond its time. */
type Details = Partial<Omit<FaultPlan, 'kind' | 'at'>>;

const DETAILS: Partial<Record<FaultKind, (dice: Dice, config: ScheduleConfig) => Details>> = {
  lag: (dice) => ({ size: dice.integer(10, 5_000), ...oneStandby(dice) }),
  'cut-replication': oneStandby,
  'isolate-standby': (dice) => ({ nth: dice.integer(0, 1) }),
  'slow-server': (dice) => ({
    size: dice.pick([20, 500, 5_000]),
    // A standby, where a number is given.
    ...(dice.chance(0.4) ? { nth: dice.integer(0, 1) } : {}),
  }),
  latency: (dice, config) => ({ endpoint: pickEndpoint(dice, config), size: dice.pick([20, 200, 1_500]) }),
  refuse: (dice, config) => ({ endpoint: pickEndpoint(dice, config) }),
  reset: (dice, config) => ({
    endpoint: pickEndpoint(dice, config),
    direction: dice.pick(['both', 'toClient']),
  }),
  blackhole: (dice, config) => ({
    endpoint: pickEndpoint(dice, config),
    direction: dice.pick(['toServer', 'toClient', 'both']),
  }),
  'cut-packet': (dice) => ({ endpoint: 'master', nth: dice.integer(1, 3) }),
  'at-commit': (dice) => ({
    forMs: 20_000,
    phase: dice.pick(COMMIT_PHASES),
    strike: dice.pick(COMMIT_STRIKES),
    nth: dice.integer(1, 4),
  }),
  'kill-standby': (dice) => ({ nth: dice.integer(1, 5) }),
  'freeze-standby': (dice) => ({ nth: dice.integer(1, 5) }),
  'terminate-backends': (dice) => ({ nth: dice.integer(1, 5) }),
};

/** Half of the time one of the standbys, so that they differ. */
function oneStandby(dice: Dice): Details {
  return dice.chance(0.5) ? { nth: dice.integer(0, 1) } : {};
}

function pickEndpoint(dice: Dice, config: ScheduleConfig): EndpointKind {
  const kinds: EndpointKind[] = ['master', 'master'];
  if (config.replicaAddress) kinds.push('replica');
  if (config.poolers) kinds.push('masterPooler', 'replicaPooler');
  return dice.pick(kinds);
}

const OPERATION_WEIGHTS: Readonly<Record<OperationKind, number>> = {
  write: 3,
  'write-returning': 1,
  idempotent: 2,
  once: 5,
  'once-returning': 2,
  'query-read': 1,
  'query-write': 1,
  'query-routed': 2,
  'read-refused': 1,
  read: 4,
  scan: 4,
  visit: 4,
  transaction: 6,
  'transaction-unmarked': 1,
  'transaction-read-only': 1,
  failing: 1,
};

function makeOperations(
  dice: Dice,
  faults: readonly FaultPlan[],
  lastsMs: number,
  deadlineMs: number,
): OperationPlan[] {
  const count = dice.pick([4, 10, 20, 40]);
  const operations: OperationPlan[] = [];
  let previousAt = 0;
  for (let index = 0; index < count; index += 1) {
    const kind = dice.weighted(OPERATION_WEIGHTS);
    const together = dice.chance(0.2);
    const at = together ? previousAt : Math.round(momentNear(dice, faults, lastsMs));
    previousAt = at;
    operations.push({
      id: `k${index}`,
      kind,
      at,
      deadlineMs: dice.chance(0.7) ? deadlineMs : dice.pick([1, 20, 300, 2_000, 10_000]),
      ...inSession(dice, kind),
      ...(dice.chance(0.08) ? { abortAfterMs: Math.round(dice.pick([0, 5, 100, 2_000]) * dice.next()) } : {}),
      ...(kind === 'failing' ? { code: dice.pick(['23505', '22012', '42P01', '55P03']) } : {}),
      ...(kind.startsWith('transaction') && kind !== 'transaction-read-only'
        ? { steps: makeSteps(dice) }
        : {}),
    });
  }
  return operations.toSorted((one, other) => one.at - other.at);
}

/** Two users, beside what belongs to nobody. */
function inSession(dice: Dice, kind: OperationKind): Partial<OperationPlan> {
  if (!dice.chance(kind === 'visit' || kind === 'scan' ? 0.8 : 0.3)) return {};
  return { session: dice.pick(['s1', 's2']), ...(dice.chance(0.2) ? { handOver: true } : {}) };
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
function makeStorm(dice: Dice): OperationPlan[] {
  return Array.from({ length: 40 }, (_, index) => ({
    id: `k${index}`,
    kind: 'transaction' as const,
    at: Math.round(dice.between(0, 1_000)),
    deadlineMs: 20_000,
    steps: [{ kind: 'insert' as const }, { kind: 'fail' as const, code: '40001' }],
  }));
}

/** Mostly around a fault: what happens in between is what all tests have seen. */
function momentNear(dice: Dice, faults: readonly FaultPlan[], lastsMs: number): number {
  if (faults.length === 0 || dice.chance(0.3)) return dice.between(0, lastsMs);
  const { at } = dice.pick(faults);
  return Math.max(0, at + dice.between(-60, dice.pick([60, 500, 4_000])));
}

function makeSteps(dice: Dice): TransactionStep[] {
  const steps: TransactionStep[] = [];
  // Two of these in opposite order wait for each other.
  if (dice.chance(0.15)) {
    const ids = dice.pick([
      ['a', 'b'],
      ['b', 'a'],
    ]);
    for (const id of ids) steps.push({ kind: 'count', id }, { kind: 'wait', ms: dice.integer(1, 30) });
  }
  const count = dice.integer(1, 4);
  for (let index = 0; index < count; index += 1) steps.push(makeStep(dice));
  return steps;
}

function makeStep(dice: Dice): TransactionStep {
  const kind = dice.weighted({
    insert: 20,
    count: 6,
    read: 3,
    wait: 5,
    sleep: 2,
    fail: 1,
    'fail-caught': 1,
    throw: 1,
  });
  if (kind === 'count') return { kind, id: dice.pick(['a', 'b']) };
  if (kind === 'wait') return { kind, ms: dice.pick([1, 20, 300]) };
  if (kind === 'sleep') return { kind, ms: dice.pick([5, 100, 1_500]) };
  // A rollback by the server is repeated for ever, until the deadline.
  if (kind === 'fail' || kind === 'fail-caught')
    return { kind, code: dice.pick(['23505', '22012', '40001']) };
  return { kind };
}
