import type { EngineName } from '../options/engine.ts';
import type { CheckResult } from '../verify/checker.ts';
import { renderLimits } from './failover-report.ts';
import { judgeLimit } from './limits.ts';
import type { JudgedLimit } from './limits.ts';

export const MODES = ['asynchronous', 'synchronous'] as const;
export type Mode = (typeof MODES)[number];

export interface ForcedLossOptions {
  engine: EngineName;
  /** Of each mode. */
  runs: number;
  /** Of how many writes each run makes. */
  seed: number;
  promoteAfterMs: number;
}

/** One forced loss and what the checker made of it. */
export interface ForcedLoss {
  mode: Mode;
  number: number;
  /** Writes that every standby had when replication was cut. */
  before: number;
  /** Writes that were sent while it was cut: K. */
  whileCut: number;
  /** How many of them were acknowledged before the primary died. */
  acknowledgedWhileCut: number;
  acknowledged: number;
  unknown: number;
  lost: number;
  doubled: number;
  ghosts: number;
}

export interface ForcedLossReport {
  bench: 'forced-loss';
  options: ForcedLossOptions;
  server: string;
  losses: ForcedLoss[];
  limits: JudgedLimit[];
  held: boolean;
}

export function lossOf(
  known: Pick<ForcedLoss, 'mode' | 'number' | 'before' | 'whileCut' | 'acknowledgedWhileCut'>,
  { acknowledged, unknown, counts }: CheckResult,
): ForcedLoss {
  const { lost, duplicate, ghost, unexpected } = counts;
  return { ...known, acknowledged, unknown, lost, doubled: duplicate, ghosts: ghost + unexpected };
}

export function forcedLossReport(
  options: ForcedLossOptions,
  server: string,
  losses: ForcedLoss[],
): ForcedLossReport {
  const limits = limitsOf(losses);
  return {
    bench: 'forced-loss',
    options,
    server,
    losses,
    limits,
    held: limits.every(({ held }) => held),
  };
}

/** In asynchronous mode K must be acknowledged and K lost; in synchronous mode nothing. */
export function isExact({ mode, whileCut, acknowledgedWhileCut, lost }: ForcedLoss): boolean {
  const expected = mode === 'asynchronous' ? whileCut : 0;
  return lost === expected && acknowledgedWhileCut === expected;
}

function limitsOf(losses: readonly ForcedLoss[]): JudgedLimit[] {
  const none = (what: string, measured: number) =>
    judgeLimit({ what, measured, unit: 'n', most: 0, bound: 'most' });
  const sum = (of: readonly ForcedLoss[], figure: 'lost' | 'doubled' | 'ghosts') =>
    of.reduce((total, loss) => total + loss[figure], 0);
  const [asynchronous, synchronous] = MODES.map((mode) => losses.filter((loss) => loss.mode === mode));
  return [
    none('asynchronous: runs that did not report exactly K lost', inexact(asynchronous!)),
    none('synchronous: runs that acknowledged what no standby had', inexact(synchronous!)),
    none('synchronous: lost', sum(synchronous!, 'lost')),
    none('done twice', sum(losses, 'doubled')),
    none('ghosts', sum(losses, 'ghosts')),
  ];
}

function inexact(losses: readonly ForcedLoss[]): number {
  return losses.filter((loss) => !isExact(loss)).length;
}

/** The line that is shown as soon as a run is over. */
export function lossLine(loss: ForcedLoss, { runs }: ForcedLossOptions): string {
  const { mode, number, whileCut, acknowledgedWhileCut, lost, unknown, acknowledged, doubled, ghosts } = loss;
  return [
    `${mode} ${String(number).padStart(String(runs).length)}/${runs}`,
    `K ${whileCut}`.padEnd(5),
    `acknowledged while cut ${acknowledgedWhileCut}`.padEnd(26),
    `lost ${lost}`.padEnd(8),
    `of ${acknowledged} acknowledged, unknown ${unknown}, done twice ${doubled}, ghosts ${ghosts}`,
    ...(isExact(loss) ? [] : ['NOT as it must be']),
  ].join('  ');
}

export function renderForcedLoss({ options, server, losses, limits }: ForcedLossReport): string[] {
  const exact = (mode: Mode) => losses.filter((loss) => loss.mode === mode && isExact(loss)).length;
  return [
    `engine ${options.engine}, PostgreSQL ${server}, seed ${options.seed}`,
    `asynchronous: exactly K lost in ${exact('asynchronous')} of ${options.runs} runs; synchronous: none lost in ${exact('synchronous')} of ${options.runs}`,
    ...renderLimits(limits),
  ];
}
