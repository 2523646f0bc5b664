import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatDuration } from '../options/duration.ts';
import { epochMs } from '../measure/clock.ts';
import { pause } from '../measure/pause.ts';
import { BedLogs, benchBed } from './bench-bed.ts';
import type { ClusterBed } from '../bed/cluster-bed.ts';
import { renderLimits } from './failover-report.ts';
import { PLAN_VARIABLE } from './idle-plan.ts';
import type { IdlePlan } from './idle-plan.ts';
import { judgeLimit } from './limits.ts';
import type { JudgedLimit } from './limits.ts';
import type { BenchContext } from './run-failover.ts';
import { visitsOf } from './visits.ts';

export interface IdleReport {
  bench: 'idle';
  idleMs: number;
  /** How often the client called at the servers behind each address. */
  visits: { master: number; replica: number };
  /** From the last answer to the end of a process that does not close its client; null when it did not end in time. */
  endedAfterMs: number | null;
  limits: JudgedLimit[];
  held: boolean;
}

const APPLICATION = 'schooldb-bench-idle';
/** Of the end of a process that has nothing more to do. */
const END_LIMIT_MS = 2_000;
/** Long enough to see whether it ends at all: past every idle timeout. */
const END_SEEN_MS = 45_000;
const PER_MINUTE = 6;
const MINUTE_MS = 60_000;
/** What follows the app's own last statement: a token, a connection that is given back. */
const AFTER_LAST_MS = 500;

/** What a healthy client that nobody asks anything costs the servers, and whether it holds its process. */
export async function runIdle(idleMs: number, { signal, cleanup, say }: BenchContext): Promise<IdleReport> {
  say('starting a cluster: one primary, 2 standbys');
  const bed = await benchBed({ promoteAfterMs: 1_000, settings: { log_statement: 'all' }, signal }, cleanup);
  say(`an idle client for ${formatDuration(idleMs)}`);
  const visits = await countVisits(bed, idleMs, { signal, cleanup });
  say('an idle client that nobody closes');
  const endedAfterMs = await untilItEnds(bed, { signal, cleanup });
  const perMinute = (count: number) => (count * MINUTE_MS) / idleMs;
  const limits = [
    ...(['master', 'replica'] as const).map((kind) =>
      judgeLimit({
        what: `probes per minute at ${kind}`,
        measured: perMinute(visits[kind]),
        unit: 'n',
        most: PER_MINUTE,
        bound: 'most',
      }),
    ),
    judgeLimit({
      what: 'end of a process with an idle client',
      measured: endedAfterMs,
      unit: 'ms',
      most: END_LIMIT_MS,
      bound: 'most',
    }),
  ];
  return { bench: 'idle', idleMs, visits, endedAfterMs, limits, held: limits.every(({ held }) => held) };
}

export function renderIdle({ idleMs, visits, limits }: IdleReport): string[] {
  return [
    `idle for ${formatDuration(idleMs)}: ${visits.master} probes at the primary, ${visits.replica} at the standbys, by their logs`,
    ...renderLimits(limits),
  ];
}

type Guard = Pick<BenchContext, 'signal' | 'cleanup'>;

async function countVisits(bed: ClusterBed, idleMs: number, guard: Guard): Promise<IdleReport['visits']> {
  const app = await startApp(bed, idleMs + 2 * AFTER_LAST_MS, guard);
  const from = epochMs() + AFTER_LAST_MS;
  await pause(AFTER_LAST_MS + idleMs, guard.signal);
  guard.signal.throwIfAborted();
  const to = epochMs();
  await app.ended;
  const { primary } = await bed.cluster.status();
  const visits = { master: 0, replica: 0 };
  let before = 0;
  for (const [server, log] of await new BedLogs(bed.cluster).read()) {
    visits[server === primary ? 'master' : 'replica'] += visitsOf(log, APPLICATION, from, to);
    before += visitsOf(log, APPLICATION, 0, from);
  }
  // Its logins must be there: logs in which nothing is found would count as perfect rest.
  if (before === 0) throw new Error("the servers' logs do not show the client at all");
  return visits;
}

async function untilItEnds(bed: ClusterBed, guard: Guard): Promise<number | null> {
  const app = await startApp(bed, null, guard);
  const startedAt = performance.now();
  const ended = await Promise.race([app.ended.then(() => true), pause(END_SEEN_MS, guard.signal)]);
  guard.signal.throwIfAborted();
  return ended === true ? performance.now() - startedAt : null;
}

/** Resolves when the app has got its last answer. */
async function startApp(
  { cluster }: ClusterBed,
  stayMs: number | null,
  { cleanup }: Guard,
): Promise<{ ended: Promise<unknown> }> {
  const { endpoints, database, user, password, ca } = cluster;
  const { master, replica } = endpoints;
  const plan = {
    master,
    replica: replica!,
    database,
    user,
    password,
    ca,
    applicationName: APPLICATION,
    stayMs,
  };
  const script = fileURLToPath(new URL(`./idle-main${extname(import.meta.url)}`, import.meta.url));
  const child = spawn(process.execPath, [script], {
    env: { ...process.env, [PLAN_VARIABLE]: JSON.stringify(plan satisfies IdlePlan) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  cleanup.defer(() => child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  const spoken = await Promise.race([once(child.stdout, 'data').then(() => true), ended.then(() => false)]);
  if (!spoken) throw new Error(`the idle app ended before it was idle, with code ${child.exitCode}`);
  return { ended };
}
