import { judgeLimit } from '../bench/limits.ts';
import type { JudgedLimit } from '../bench/limits.ts';
import type { EngineName } from '../options/engine.ts';
import { renderLimits } from '../bench/failover-report.ts';
import { renderTable } from '../report/table.ts';
import type { Told } from './judge.ts';
import type { SweepOperation } from './operations.ts';
import type { Situation } from './situations.ts';

export const SWEEP_ROUTES = ['direct', 'pooler'] as const;
export type SweepRoute = (typeof SWEEP_ROUTES)[number];

export interface SweepPlan {
  readonly engine: EngineName;
  readonly situations: readonly Situation[];
  readonly operations: readonly SweepOperation[];
  readonly routes: readonly SweepRoute[];
  /** 1: at every message. */
  readonly every: number;
}

/** Where a connection is cut: at its message of this number, counted from 1. */
export interface CutPoint {
  readonly direction: 'upstream' | 'downstream';
  readonly message: number;
  readonly delivered: boolean;
}

/** One situation on one route. */
export interface Swept {
  readonly situation: string;
  readonly route: SweepRoute;
  /** Places at which all operations were cut. */
  points: number;
  /** Connections that were cut. */
  cuts: number;
  /** Calls that were neither cut nor over in time: they waited for something else, and their message was not tried. */
  missed: number;
  /** What callers were told, by kind. */
  readonly told: Record<Told['kind'], number>;
  /** Unknown outcomes whose token was answered later. */
  settledLater: number;
  readonly violations: (CutPoint & { operation: string; untrue: string })[];
}

export interface SweepReport {
  bench: 'sweep';
  engine: EngineName;
  operations: string[];
  every: number;
  swept: Swept[];
  limits: JudgedLimit[];
  held: boolean;
}

export function sweepReport(
  { engine, operations, every, situations }: SweepPlan,
  swept: Swept[],
): SweepReport {
  const none = { unit: 'n', bound: 'most', most: 0 } as const;
  const waiting = new Set(
    situations.filter(({ deadlineMs }) => deadlineMs !== undefined).map(({ name }) => name),
  );
  const unknown = swept.filter(({ situation }) => !waiting.has(situation)).map(({ told }) => told.unknown);
  const limits = [
    {
      ...none,
      what: 'callers told something untrue, or effects not there exactly once',
      measured: count(swept),
    },
    { ...none, what: 'unknown outcomes although a primary answered', measured: sum(unknown) },
    {
      ...none,
      what: 'calls neither cut nor over, so that a message was left out',
      measured: sum(swept.map(({ missed }) => missed)),
    },
    { ...none, what: 'situations without a cut', measured: swept.filter(({ cuts }) => cuts === 0).length },
  ].map(judgeLimit);
  return {
    bench: 'sweep',
    engine,
    operations: operations.map(({ name }) => name),
    every,
    swept,
    limits,
    held: limits.every(({ held }) => held),
  };
}

/** One line for a situation that is done. */
export function sweptLine({ situation, route, points, cuts, violations }: Swept): string {
  return `${situation}, ${route}: ${cuts} connections cut at ${points} places, ${violations.length} violations`;
}

const HEADINGS = [
  'situation',
  'route',
  'places',
  'cuts',
  'done',
  'refused',
  'not executed',
  'unknown',
  'settled later',
  'violations',
];

export function renderSweep({ swept, limits }: SweepReport): string[] {
  const rows = swept.map(({ situation, route, points, cuts, told, settledLater, violations }) => [
    situation,
    route,
    ...[
      points,
      cuts,
      told.done,
      told.refused,
      told['not-executed'],
      told.unknown,
      settledLater,
      violations.length,
    ].map(String),
  ]);
  const columns = HEADINGS.map((_, index) => ({ align: index < 2 ? ('left' as const) : ('right' as const) }));
  const violations = swept.flatMap(({ situation, route, violations: found }) =>
    found.map(
      ({ operation, direction, message, delivered, untrue }) =>
        `VIOLATION ${situation}, ${route}, ${operation}, cut ${delivered ? 'behind' : 'before'} ${direction} message ${message}: ${untrue}`,
    ),
  );
  return [...renderTable(columns, [HEADINGS, ...rows]), '', ...violations, ...renderLimits(limits)];
}

function count(swept: readonly Swept[]): number {
  return sum(swept.map(({ violations }) => violations.length));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
