/** Runs one schedule from its first operation to its verdict. */
import type { SchoolDb, Session } from '../../src/index.ts';
import { StatementParser } from '../../src/router/statement.ts';
import { makeClient } from './client.ts';
import { Dice } from './dice.ts';
import type { EndpointKind } from './endpoints.ts';
import { Guarantees } from './guarantees.ts';
import type { HistoryLine, Limits, Violation } from './invariants.ts';
import { Invariants, LIMITS } from './invariants.ts';
import { Cluster } from './model/cluster.ts';
import { planFaults } from './model/faults.ts';
import type { Host } from './model/network.ts';
import { Network } from './model/network.ts';
import { APP_TEXTS } from './model/statements.ts';
import { Pooler } from './model/pooler.ts';
import type { Ended } from './outcomes.ts';
import type { LeaseObserver, ScanObserver } from './operation-observers.ts';
import type { Caller } from './operations.ts';
import { perform } from './operations.ts';
import type { OperationKind, OperationPlan, Schedule } from './schedule.ts';
import { hasRoomForSessions, isLease } from './schedule.ts';
import { simulatedWires } from './sim-wire.ts';
import { SimTime, installGlobalTimers } from './time.ts';

export interface RunResult {
  readonly violations: readonly Violation[];
  /** How often each thing worth counting happened. */
  readonly counts: ReadonlyMap<string, number>;
  readonly virtualMs: number;
  readonly connects: number;
  /** Empty unless asked for. */
  readonly history: readonly HistoryLine[];
}

const FOREIGN_WRITES_MS = 10_000;
/** Longer than any fault, failover and restart takes one after the other. */
const MENDING_MS = 300_000;
const RECOVERY_MS = 10_000;
/** How long the client may take to recover on a cluster that is whole. */
function recoveryMs({ config }: Schedule): number {
  // Where servers have too few places, kept connections to a former standby may take those that its new role needs.
  const scarce = config.cluster.maxBackends < 2 * config.client.maxConnections;
  return RECOVERY_MS + (scarce ? config.client.idleTimeoutMs : 0);
}
const UNREPEATABLE: ReadonlySet<OperationKind> = new Set([
  'write',
  'transaction-unmarked',
  'connection',
  'lock',
  'notify',
]);
/** For how long a session is asked who it is, in milliseconds. */
const ASKED_MS = 1_000;
/** Of the operations by which recovery is proven. */
const DETAILS: Partial<Record<OperationKind, Partial<OperationPlan>>> = {
  transaction: { steps: [{ kind: 'insert' }] },
  'transaction-unmarked': { steps: [{ kind: 'insert' }] },
  connection: { steps: [{ kind: 'insert' }] },
  lock: { lock: 1, steps: [{ kind: 'insert' }] },
  listen: { channel: 'a' },
  notify: { channel: 'a' },
  copy: { rows: 2 },
};
/** What `close()` may take beyond its own timeout: goodbyes that nobody answers, one second each, side by side. */
const CLOSE_EXTRA_MS = 1_100;

interface World {
  readonly time: SimTime;
  readonly db: SchoolDb;
  readonly cluster: Cluster;
  readonly invariants: Invariants;
  readonly guarantees: Guarantees;
  readonly sessions: Map<string, Session>;
  readonly results: Map<OperationPlan, Ended>;
  readonly pending: Set<OperationPlan>;
  readonly closing: { at: number | undefined; done: boolean };
}

/** @param limits - what the client promises beyond the fixed invariants. */
export async function runSchedule(
  schedule: Schedule,
  options: { readonly history?: boolean; readonly limits?: Limits } = {},
): Promise<RunResult> {
  installGlobalTimers();
  // Loaded in real time, which does not pass here.
  await new StatementParser().traits('SELECT 1');
  const history: HistoryLine[] = [];
  const time = new SimTime();
  const invariants = new Invariants(
    time,
    schedule,
    options.limits ?? LIMITS,
    options.history === true ? history : undefined,
  );
  const stray = (error: unknown) => invariants.violate('no-unhandled', String(error));
  time.onThrow = stray;
  process.on('unhandledRejection', stray);
  process.on('uncaughtException', stray);
  try {
    await runWatched(schedule, time, invariants);
  } finally {
    process.off('unhandledRejection', stray);
    process.off('uncaughtException', stray);
  }
  const { violations, counts, connects } = invariants;
  return { violations, counts, virtualMs: time.now, connects, history };
}

async function runWatched(schedule: Schedule, time: SimTime, invariants: Invariants): Promise<void> {
  const dice = new Dice(schedule.seed ^ 0x5eed);
  const cluster = new Cluster(schedule.config.cluster, time, dice.fork(), invariants);
  const poolers = makePoolers(schedule, time, dice.fork(), cluster, invariants);
  const hosts = (kind: EndpointKind): readonly Host[] => {
    if (kind === 'master') return cluster.labelled('primary');
    if (kind === 'replica') return cluster.labelled('standby');
    return kind === 'masterPooler' ? poolers.slice(0, 1) : poolers.slice(1);
  };
  const network = new Network(time, dice.fork(), schedule.config, hosts);
  const db = makeClient(schedule.config, time, dice.fork(), simulatedWires(network, time, invariants));
  db.on('outcome:settled', ({ committed }) => invariants.occurred(committed ? 'settled-yes' : 'settled-no'));
  const world: World = {
    time,
    db,
    cluster,
    invariants,
    guarantees: new Guarantees(schedule, time, cluster, invariants),
    sessions: new Map(),
    results: new Map(),
    pending: new Set(),
    closing: { at: undefined, done: false },
  };
  let faultsLeft = schedule.faults.length;
  planFaults({ time, cluster, network, poolers }, schedule.faults, () => (faultsLeft -= 1));
  planOperations(world, schedule);
  planForeignWrites(world, schedule);
  if (schedule.closeAt !== null) time.afterForApp(schedule.closeAt, () => close(world));
  const answered = () =>
    world.results.size === schedule.operations.length &&
    !invariants.leases.isListeningForAWhile &&
    (schedule.closeAt === null || world.closing.at !== undefined);
  const mended = await time.run(() => answered() && faultsLeft === 0 && cluster.whole, MENDING_MS);
  if (!mended) reportUnmended(world, schedule, faultsLeft);
  else if (world.closing.at === undefined) await checkRecovery(world, schedule);
  if (world.closing.at === undefined) close(world);
  await checkClosed(world, schedule);
  // Whatever lies in some buffer arrives, and is seen.
  await time.run(() => false, 1_000);
  invariants.judgeEffects(world.results, cluster.leader);
}

function makePoolers(
  schedule: Schedule,
  time: SimTime,
  dice: Dice,
  cluster: Cluster,
  observer: Invariants,
): Pooler[] {
  if (!schedule.config.poolers) return [];
  const roles = ['primary', 'standby'] as const;
  return roles.map(
    (role) => new Pooler({ time, dice: dice.fork(), observer, targets: () => cluster.labelled(role) }),
  );
}

function planOperations(world: World, { operations }: Schedule): void {
  for (const plan of operations) world.time.afterForApp(plan.at, () => void begin(world, plan));
}

/** Another client of the same cluster, which finds the primary at once. Nobody waits for its answers. */
function planForeignWrites({ time, cluster }: World, { config: { foreignWriteMs } }: Schedule): void {
  if (foreignWriteMs === null) return;
  const write = (count: number): void => {
    if (time.now > FOREIGN_WRITES_MS) return;
    time.after(foreignWriteMs, () => write(count + 1));
    if (!cluster.leader.healthy) return;
    const peer = cluster.leader.accept({ send: () => {}, close: () => {} });
    const statement = { text: APP_TEXTS.insert, values: [`foreign${count}`] };
    time.after(1, () => {
      peer.receive({ kind: 'query', statement, from: { endpoint: 'replica', toldTimeline: 0 } });
      peer.hangUp('fin');
    });
  };
  write(0);
}

async function begin(world: World, plan: OperationPlan): Promise<Ended> {
  const { time, db, invariants, pending, results, guarantees } = world;
  invariants.note(plan.id, () => `${plan.kind} begins, deadline ${plan.deadlineMs} ms`);
  const startedAt = time.now;
  pending.add(plan);
  invariants.leases.begun(plan);
  const caller = callerOf(world, plan);
  const followed = guarantees.follow(plan);
  const performing = perform(caller, plan, time, follower(followed, invariants.leases));
  const { master } = db.health().endpoints;
  invariants.waiting(master.waiting, pending);
  const ended = await performing;
  pending.delete(plan);
  results.set(plan, ended);
  followed.ended(ended);
  invariants.occurred(`outcome ${ended.kind}`);
  invariants.ended(plan, startedAt, ended);
  return ended;
}

/** Who follows reads, and who follows leases, in one. */
function follower(scans: ScanObserver, leases: LeaseObserver): ScanObserver & LeaseObserver {
  return {
    scanning: (plan) => scans.scanning(plan),
    wrote: (plan, keys) => scans.wrote(plan, keys),
    holding: (plan, lost) => leases.holding(plan, lost),
    streamed: (plan, rows, whole) => leases.streamed(plan, rows, whole),
    late: (plan, what) => leases.late(plan, what),
    listening: (plan, subscription) => leases.listening(plan, subscription),
    heard: (plan, notification) => leases.heard(plan, notification),
    deaf: (plan) => leases.deaf(plan),
  };
}

/** The client, or the session that the operation belongs to. */
function callerOf({ db, sessions, guarantees }: World, { session, handOver }: OperationPlan): Caller {
  if (session === undefined) return db;
  const known = sessions.get(session);
  if (known !== undefined && handOver !== true) return known;
  if (known !== undefined) guarantees.handedOver(session);
  const made = db.session(known?.token);
  sessions.set(session, made);
  return made;
}

/** 7: a fresh operation of each kind, on a cluster that is whole. */
async function checkRecovery(world: World, schedule: Schedule): Promise<void> {
  const { time, invariants } = world;
  const limitMs = recoveryMs(schedule);
  const kinds: OperationKind[] = [
    ...(['write', 'idempotent', 'read', 'query-read', 'scan'] as const),
    ...(['transaction-unmarked', 'transaction-read-only'] as const),
  ];
  if (world.cluster.hasCommitSlots) kinds.push('once', 'once-returning', 'transaction', 'copy');
  if (hasRoomForSessions(schedule.config)) kinds.push('connection', 'lock', 'stream', 'listen', 'notify');
  // A session whose caller has just left is still being asked who it is, and may be the only one that there is.
  if (schedule.operations.some((plan) => isLease(plan.kind))) await time.run(() => false, ASKED_MS);
  // One after the other: a short waiting line is no failure to recover.
  const all = (async () => {
    for (const kind of kinds) await recover(world, kind, limitMs);
  })();
  let done = false;
  void all.then(() => (done = true));
  await time.run(() => done, (limitMs + 1_000) * kinds.length);
  const missed = () => invariants.leases.missed(world.cluster.leader.wal);
  await time.run(() => missed().length === 0, limitMs);
  for (const what of missed()) invariants.violate('8-notification', what);
}

/** A kept connection may have died in silence: of what nobody may repeat, the first ones find that out. */
async function recover(world: World, kind: OperationKind, limitMs: number): Promise<void> {
  const { time, invariants } = world;
  const endsAt = time.now + limitMs;
  const details = DETAILS[kind] ?? {};
  for (let attempt = 1; ; attempt += 1) {
    const id = `fresh-${kind}-${attempt}`;
    const ended = await begin(world, { id, kind, at: time.now, deadlineMs: limitMs, ...details });
    if (ended.kind === 'ok') return;
    if (ended.kind === 'unknown' && UNREPEATABLE.has(kind) && time.now < endsAt) continue;
    invariants.violate('7-recovery', `a fresh ${kind} ended with ${ended.kind}: ${String(ended.error)}`);
    return;
  }
}

function close(world: World): void {
  world.closing.at = world.time.now;
  world.invariants.note('app', () => 'closes the client');
  world.invariants.leases.closed();
  world.time.touchClient();
  void world.db.close().then(() => (world.closing.done = true));
}

/** 6: nothing is left after `close()`. */
async function checkClosed(world: World, schedule: Schedule): Promise<void> {
  const { time, closing, invariants, pending } = world;
  const limit = (closing.at ?? 0) + schedule.config.client.closeTimeoutMs + CLOSE_EXTRA_MS;
  await time.run(() => closing.done, Math.max(0, limit - time.now));
  if (!closing.done) {
    invariants.violate(
      '6-close',
      `close() did not end within ${schedule.config.client.closeTimeoutMs + CLOSE_EXTRA_MS} ms`,
    );
    return;
  }
  if (pending.size > 0) invariants.violate('6-close', `${pending.size} operations are pending after close()`);
  if (invariants.leases.ending > 0)
    invariants.violate('6-close', `${invariants.leases.ending} subscriptions have not ended after close()`);
  if (invariants.openWires > 0)
    invariants.violate('6-close', `${invariants.openWires} connections are open after close()`);
  if (time.pendingClientTimers > 0) {
    invariants.violate('6-close', `${time.pendingClientTimers} timers are left after close()`);
  }
}

function reportUnmended(world: World, schedule: Schedule, faultsLeft: number): void {
  const { cluster, invariants, results, pending } = world;
  const unanswered = schedule.operations.length - results.size;
  if (unanswered > 0) {
    const names = [...pending].map(({ id, kind }) => `${id} (${kind})`);
    invariants.violate('5-never', `${unanswered} operations were never answered: ${names.join(', ')}`);
  } else {
    const states = cluster.servers.map(
      ({ name, role, state, frozen }) => `${name} ${role} ${state}${frozen ? ' frozen' : ''}`,
    );
    throw new Error(
      `the model's cluster did not become whole (seed ${schedule.seed}, ${faultsLeft} faults left): ${states.join(', ')}`,
    );
  }
}
