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
  Step,
} from './schedule.ts';
import { COMMIT_STRIKES } from './schedule.ts';
import { aimedAt, inSession, makeStorm } from './generate-aimed.ts';
import { makeConfig } from './generate-config.ts';
import { leaseDetails } from './generate-leases.ts';

/** Of all schedules, those that strike at the very moment of a COMMIT. */
const ADVERSARIAL = 0.15;
/** Of all schedules, those whose operations the server rolls back again and again. */
const STORMY = 0.004;
/** Of all schedules, those in which connections are lent. */
const LEASING = 0.4;

export function generate(seed: number): Schedule {
  const dice = new Dice(seed);
  const aimed = aimedAt(seed, dice);
  if (aimed !== undefined) return aimed;
  const config = makeConfig(dice.fork());
  const lastsMs = dice.between(2_000, 15_000);
  const faults = makeFaults(dice.fork(), config, lastsMs);
  const operations = dice.chance(STORMY)
    ? makeStorm(dice.fork())
    : makeOperations(dice.fork(), faults, lastsMs, config);
  const closeAt = dice.chance(0.2) ? Math.round(dice.between(0, lastsMs * 1.2)) : null;
  return { seed, config, operations, faults, closeAt };
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
  'late-commit': 2,
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
  'late-commit': (dice) => ({ endpoint: 'master', size: dice.pick([20, 300, 3_000]) }),
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
  notify: 0,
  copy: 0,
  connection: 0,
  lock: 0,
  stream: 0,
  listen: 0,
};

const LEASING_WEIGHTS: Readonly<Record<OperationKind, number>> = {
  ...OPERATION_WEIGHTS,
  notify: 8,
  copy: 3,
  connection: 8,
  lock: 5,
  stream: 5,
  listen: 4,
};

function makeOperations(
  dice: Dice,
  faults: readonly FaultPlan[],
  lastsMs: number,
  config: ScheduleConfig,
): OperationPlan[] {
  const { deadlineMs } = config.client;
  const weights = dice.chance(LEASING) ? LEASING_WEIGHTS : OPERATION_WEIGHTS;
  const count = dice.pick([4, 10, 20, 40]);
  const operations: OperationPlan[] = [];
  let previousAt = 0;
  for (let index = 0; index < count; index += 1) {
    const kind = dice.weighted(weights);
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
      ...leaseDetails(dice, kind, config),
    });
  }
  return operations.toSorted((one, other) => one.at - other.at);
}

/** Mostly around a fault: what happens in between is what all tests have seen. */
function momentNear(dice: Dice, faults: readonly FaultPlan[], lastsMs: number): number {
  if (faults.length === 0 || dice.chance(0.3)) return dice.between(0, lastsMs);
  const { at } = dice.pick(faults);
  return Math.max(0, at + dice.between(-60, dice.pick([60, 500, 4_000])));
}

function makeSteps(dice: Dice): Step[] {
  const steps: Step[] = [];
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

function makeStep(dice: Dice): Step {
  const kind = dice.weighted({
    insert: 20,
    count: 6,
    notify: 2,
    read: 3,
    wait: 5,
    sleep: 2,
    fail: 1,
    'fail-caught': 1,
    throw: 1,
  });
  if (kind === 'count') return { kind, id: dice.pick(['a', 'b']) };
  if (kind === 'notify') return { kind, channel: dice.pick(['a', 'b']) };
  if (kind === 'wait') return { kind, ms: dice.pick([1, 20, 300]) };
  if (kind === 'sleep') return { kind, ms: dice.pick([5, 100, 1_500]) };
  // A rollback by the server is repeated for ever, until the deadline.
  if (kind === 'fail' || kind === 'fail-caught')
    return { kind, code: dice.pick(['23505', '22012', '40001']) };
  return { kind };
}
