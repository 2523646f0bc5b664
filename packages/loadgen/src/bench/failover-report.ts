import { formatMs } from '../report/format.ts';
import type { CheckResult } from '../verify/checker.ts';
import type { ErrorTally } from '../measure/recorder.ts';
import { judgeLimit, percentile } from './limits.ts';
import type { JudgedLimit, Limit } from './limits.ts';
import type { Connects } from './server-log.ts';

export const BENCH_FAULTS = ['kill-primary', 'freeze-primary', 'switchover'] as const;
export type BenchFault = (typeof BENCH_FAULTS)[number];
/** What clients meet at the old primary's address: nothing (the address is gone), or a black hole beside the new one. */
export const BEHIND = ['refuse', 'blackhole'] as const;
export type Behind = (typeof BEHIND)[number];

export interface FailoverOptions {
  kills: number;
  behind: Behind;
  fault: BenchFault;
  clients: number;
  promoteAfterMs: number;
}

/** One fault and what came of it; durations in milliseconds. */
export interface Kill {
  number: number;
  target: string;
  /** From the fault until a fresh connection could write; null when none failed. */
  clusterMs: number | null;
  /** From there to the first write through the library, never below 0; null when there was none in time. */
  ownShareMs: number | null;
  /** From the fault until the library found the server dead; null when it never did. */
  detectionMs: number | null;
  /** Calls of the application that failed. */
  errors: number;
  /** The library's connections at the server that took the most. */
  connects: Connects;
  /** How often a server told anybody that there are too many clients (53300). */
  tooManyClients: number;
}

export interface FailoverReport {
  bench: 'failover';
  options: FailoverOptions;
  server: string;
  kills: Kill[];
  ownShare: { p50Ms: number | null; p99Ms: number | null; maxMs: number | null };
  writes: number;
  errors: number;
  errorKinds: ErrorTally[];
  lost: number;
  doubled: number;
  /** Present although never sent, or reported as not executed. */
  ghosts: number;
  limits: JudgedLimit[];
  held: boolean;
}

interface Measured {
  options: FailoverOptions;
  server: string;
  kills: Kill[];
  errors: number;
  errorKinds: ErrorTally[];
  check: CheckResult;
}

const KILL_P50_MS = 100;
const KILL_MAX_MS = 500;
const BLACKHOLE_P99_MS = 2_000;
const DETECTION_MS = 2_000;
/** Connects at a time, beside hedges: those follow only where an address hangs. */
const CONNECTS_AT_A_TIME = 2;
/** The client's default `maxConnections`. */
const CONNECTIONS = 20;

export function failoverReport({
  options,
  server,
  kills,
  errors,
  errorKinds,
  check,
}: Measured): FailoverReport {
  const { lost, duplicate, ghost, unexpected } = check.counts;
  const figures = {
    ownShare: ownShareOf(kills),
    errors,
    lost,
    doubled: duplicate,
    ghosts: ghost + unexpected,
  };
  const limits = limitsOf(options, kills, figures).map(judgeLimit);
  return {
    bench: 'failover',
    options,
    server,
    kills,
    ...figures,
    writes: check.writes,
    errorKinds,
    limits,
    held: limits.every(({ held }) => held),
  };
}

/** One kill without recovery leaves nothing to say of the worst. */
function ownShareOf(kills: readonly Kill[]): FailoverReport['ownShare'] {
  const shares = kills.map(({ ownShareMs }) => ownShareMs ?? Infinity);
  const figure = (ratio: number) => {
    const value = percentile(shares, ratio);
    return value === Infinity ? null : value;
  };
  return { p50Ms: figure(0.5), p99Ms: figure(0.99), maxMs: figure(1) };
}

function limitsOf(
  { fault, behind }: FailoverOptions,
  kills: readonly Kill[],
  {
    ownShare,
    errors,
    lost,
    doubled,
    ghosts,
  }: Pick<FailoverReport, 'ownShare' | 'errors' | 'lost' | 'doubled' | 'ghosts'>,
): Limit[] {
  const ms = { unit: 'ms', bound: 'below' } as const;
  const none = { unit: 'n', bound: 'most', most: 0 } as const;
  const most = (figure: keyof Connects) => Math.max(0, ...kills.map(({ connects }) => connects[figure]));
  const limits: Limit[] = [];
  if (behind === 'blackhole')
    limits.push({ ...ms, what: 'own share, p99', measured: ownShare.p99Ms, most: BLACKHOLE_P99_MS });
  else if (fault === 'kill-primary')
    limits.push(
      { ...ms, what: 'own share, p50', measured: ownShare.p50Ms, most: KILL_P50_MS },
      { ...ms, what: 'own share, max', measured: ownShare.maxMs, most: KILL_MAX_MS },
      { ...none, what: 'connects at a time', measured: most('mostAtATime'), most: CONNECTS_AT_A_TIME },
    );
  if (fault === 'freeze-primary')
    limits.push({ ...ms, what: 'detection, max', measured: slowestDetection(kills), most: DETECTION_MS });
  return [
    ...limits,
    { ...none, what: 'connections at one server', measured: most('mostOpen'), most: CONNECTIONS },
    { ...none, what: 'errors', measured: errors },
    { ...none, what: 'lost', measured: lost },
    { ...none, what: 'done twice', measured: doubled },
    { ...none, what: 'ghosts', measured: ghosts },
    {
      ...none,
      what: 'too many clients (53300)',
      measured: kills.reduce((sum, { tooManyClients }) => sum + tooManyClients, 0),
    },
  ];
}

function slowestDetection(kills: readonly Kill[]): number | null {
  const found = kills.flatMap(({ detectionMs }) => detectionMs ?? []);
  return found.length < kills.length ? null : percentile(found, 1);
}

/** The line that is shown as soon as a kill is over. */
export function killLine(kill: Kill, { kills, fault }: FailoverOptions): string {
  const { connects, clusterMs, ownShareMs, detectionMs } = kill;
  const parts = [
    `${String(kill.number).padStart(String(kills).length)}/${kills} ${fault} ${kill.target}`,
    `cluster ${clusterMs === null ? 'never away' : formatMs(clusterMs)}`.padEnd(16),
    `own share ${ownShareMs === null ? 'NO RECOVERY' : formatMs(ownShareMs)}`.padEnd(18),
    ...(fault === 'freeze-primary'
      ? [`detected ${detectionMs === null ? 'never' : formatMs(detectionMs)}`]
      : []),
    `errors ${kill.errors}`,
    `connects ${connects.total}, ${connects.mostAtATime} at a time, ${connects.mostPerSecond}/s, ${connects.mostOpen} open`,
    ...(kill.tooManyClients > 0 ? [`53300 ${kill.tooManyClients} times`] : []),
  ];
  return parts.join('  ');
}

export function renderFailover(report: FailoverReport): string[] {
  const { options, ownShare, kills, writes, errorKinds, limits, server } = report;
  const most = (pick: (connects: Connects) => number) =>
    Math.max(0, ...kills.map(({ connects }) => pick(connects)));
  return [
    `${options.fault} ${kills.length} times, behind the old address: ${options.behind}, ${options.clients} clients, ${writes} writes, PostgreSQL ${server}`,
    `own share   p50 ${formatMs(ownShare.p50Ms)}   p99 ${formatMs(ownShare.p99Ms)}   max ${formatMs(ownShare.maxMs)}`,
    `connections at one server, by its log: ${most(({ mostAtATime }) => mostAtATime)} opened at a time, ${most(({ mostPerSecond }) => mostPerSecond)} within a second, ${most(({ mostOpen }) => mostOpen)} open`,
    ...errorKinds.map(({ n, outcome, code, message }) => `error ${n} × ${outcome} ${code}: ${message}`),
    ...renderLimits(limits),
  ];
}

export function renderLimits(limits: readonly JudgedLimit[]): string[] {
  return limits.map(({ what, measured, most, unit, bound, held }) => {
    const write = (value: number | null) =>
      value === null ? 'not measured' : unit === 'ms' ? formatMs(value) : String(Math.round(value * 10) / 10);
    return `${held ? 'held    ' : 'NOT held'}  ${what}: ${write(measured)} (limit: ${bound === 'below' ? 'below' : 'at most'} ${write(most)})`;
  });
}
