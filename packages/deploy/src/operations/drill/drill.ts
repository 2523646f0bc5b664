/** A failover on purpose, under a load that remembers each write and counts it afterwards. */
import { dropAbandoned, runLoad, targetBed, TargetError } from '@schooldb/loadgen';
import type { Cleanup, RunListener, RunOptions, RunReport, Target } from '@schooldb/loadgen';
import { DeployError } from '../../errors/deploy-error.ts';
import type { Credentials } from '../credentials/credentials.ts';
import { reachable } from '../reach.ts';
import type { Reach } from '../reach.ts';
import { judgeDrill } from './judge.ts';
import type { DrillResult } from './judge.ts';
import { strike } from './strike.ts';
import type { DrillName, StrikeContext, Struck } from './strike.ts';

/** Successful writes before the deed, and after it, by which the load counts as running. */
const WRITES_PER_CLIENT = 5;
/** How long the load goes on after the first writes behind the deed: what comes late is to be seen. */
const AFTERMATH_MS = 3_000;
/** Of all clients together, so that a stall is not mistaken for a pause. */
const THINK_MS = 50;

export interface DrillContext extends Omit<StrikeContext, 'onStruck'> {
  readonly credentials: Credentials;
  readonly reach: Reach;
  readonly clients: number;
  /** Undoes what a run has left when the process is to end. */
  readonly cleanup: Cleanup;
  readonly onEvent: (event: DrillEvent) => void;
}

/** In the comment of a drill's tables. */
const OWNER = 'schooldb-deploy drill: may be dropped when no drill runs';

/** Facts, as they happen. */
export type DrillEvent =
  | { readonly type: 'load:running'; readonly writes: number }
  | { readonly type: 'struck'; readonly drill: DrillName; readonly pod: string }
  | { readonly type: 'taken-over'; readonly pod: string; readonly afterMs: number }
  | { readonly type: 'writes:going-on' }
  | { readonly type: 'reading-back' }
  /** The load generator's own words. */
  | { readonly type: 'warning'; readonly text: string };

/**
 * @throws DeployError where the load or the deed does not come about, or nobody takes over; what the signal was aborted
 * with, after the tables of the load are gone again.
 */
export async function drill(name: DrillName, context: DrillContext): Promise<DrillResult> {
  const progress = new WriteCount();
  const enough = new AbortController();
  const deed = new Deed();
  const started = Promise.withResolvers<void>();
  const striking = started.promise.then(() => strikeUnderLoad(name, context, progress, deed, enough));
  striking.catch(() => enough.abort());
  const report = await underLoad(context, loadOptions(name, context), {
    listener: listenerOf(context, progress, () => started.resolve()),
    enough: enough.signal,
    startedAt: () => deed.at,
  }).finally(() => (progress.isOver = true));
  context.signal.throwIfAborted();
  const { from, to } = await striking;
  return judgeDrill(name, { from: from.pod, to: to.pod }, report, context.lab);
}

/**
 * Drops what drills have left that were killed. To be called under the cluster's lock: no other drill runs then. The tables
 * of a load generator that somebody else has started are not a drill's.
 *
 * @returns the names of the tables.
 * @throws DeployError where the database cannot be reached, or refuses.
 */
export function dropLeftovers({
  credentials,
  reach,
  signal,
}: Pick<DrillContext, 'credentials' | 'reach' | 'signal'>): Promise<string[]> {
  return asDeployError(signal, () => dropAbandoned(targetOf(credentials, reach), OWNER));
}

/** When it was done, for the report. */
class Deed {
  at: number | null = null;
}

async function strikeUnderLoad(
  name: DrillName,
  context: DrillContext,
  progress: WriteCount,
  deed: Deed,
  enough: AbortController,
): Promise<Struck> {
  const { kube, pace, clients, onEvent } = context;
  const wanted = clients * WRITES_PER_CLIENT;
  await progress.reaches(wanted, () => kube.pause(pace.pollMs));
  // Nothing is broken that nobody would see.
  if (progress.isOver) throw new DeployError({ code: 'load-failed', reason: 'hardly any write succeeded' });
  onEvent({ type: 'load:running', writes: progress.ok });
  const struck = await strike(name, {
    ...context,
    onStruck: (pod) => {
      deed.at = Date.now();
      onEvent({ type: 'struck', drill: name, pod });
    },
  });
  onEvent({ type: 'taken-over', pod: struck.to.pod, afterMs: Date.now() - (deed.at ?? 0) });
  await progress.reaches(progress.ok + wanted, () => kube.pause(pace.pollMs));
  onEvent({ type: 'writes:going-on' });
  await kube.pause(AFTERMATH_MS);
  enough.abort();
  return struck;
}

/** How many writes have succeeded so far, by what the load says now and then. */
class WriteCount {
  ok = 0;
  isOver = false;

  /** Also when the load has ended, which then says why. */
  async reaches(count: number, pause: () => Promise<void>): Promise<void> {
    while (this.ok < count && !this.isOver) await pause();
  }
}

function listenerOf({ onEvent }: DrillContext, progress: WriteCount, onStarted: () => void): RunListener {
  return {
    stage(text) {
      if (text !== 'reading back') return;
      onEvent({ type: 'reading-back' });
    },
    loadStarted: onStarted,
    progress({ write }) {
      progress.ok = write.ok + write['ok-dedup'];
    },
    servers() {},
    event() {},
    warning: (text) => onEvent({ type: 'warning', text }),
  };
}

interface LoadHooks {
  readonly listener: RunListener;
  readonly enough: AbortSignal;
  readonly startedAt: () => number | null;
}

async function underLoad(
  { credentials, reach, signal, cleanup }: DrillContext,
  options: RunOptions,
  { listener, enough, startedAt }: LoadHooks,
): Promise<RunReport> {
  return asDeployError(signal, async () => {
    const bed = await targetBed(targetOf(credentials, reach));
    const outside = { enough, startedAt };
    return runLoad(bed, options, { listener, signal, cleanup, outside, owner: OWNER });
  });
}

async function asDeployError<T>(signal: AbortSignal, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof TargetError)) throw error;
    throw new DeployError({ code: 'load-failed', reason: error.message }, { cause: error });
  }
}

function targetOf({ addresses, database, user, password, ca }: Credentials, reach: Reach): Target {
  const { at, certificate } = reachable(reach, addresses.master);
  return {
    master: at(addresses.master),
    replica: at(addresses.replica),
    masterPooler: at(addresses.masterPooler),
    database,
    user,
    password,
    tls: { ca, verify: true, ...certificate },
  };
}

function loadOptions(name: DrillName, { lab, clients, pace }: DrillContext): RunOptions {
  const limitMs = name === 'switchover' ? lab.limits.switchoverMs : lab.limits.failoverMs;
  return {
    driver: 'schooldb',
    workload: 'ledger',
    clients,
    thinkMs: THINK_MS,
    // The drill ends it; this is for the case that nothing comes of it.
    durationMs: limitMs + pace.takeoverMs + pace.databaseMs,
    maxConnections: 10,
    rows: 0,
    seed: 1,
    faults: [],
    pace: 'on-time',
    promoteAfterMs: 0,
    verify: true,
    keep: false,
  };
}
