import type { RunReport } from '@schooldb/loadgen';
import type { Lab } from '../../config/lab.ts';
import type { DrillName } from './strike.ts';

/** What the writes of a drill came to; each counted in the database afterwards. */
export interface Writes {
  readonly sent: number;
  readonly acknowledged: number;
  readonly lost: number;
  readonly doubled: number;
  /** Reported as failed, and yet there. */
  readonly ghosts: number;
  /** There, and never sent. */
  readonly unexpected: number;
  readonly unknown: number;
}

const COUNTED = ['lost', 'doubled', 'ghosts', 'unexpected', 'unknown'] as const;
type Counted = (typeof COUNTED)[number];
/** A member of the union for each, so that each has a text of its own. */
type MissedCount = {
  [Is in Counted]: { readonly is: Is; readonly count: number; readonly limit: number };
}[Counted];

export type Missed =
  | { readonly is: 'next-write'; readonly ms: number; readonly limitMs: number }
  | MissedCount
  /** Nothing was proven: the load generator says why, in English. */
  | { readonly is: 'not-judged'; readonly reason: string };

export interface DrillResult {
  readonly drill: DrillName;
  readonly from: string;
  readonly to: string;
  /** Longest wait of an app for its next write, from the moment of the deed; null where nothing was measured. */
  readonly nextWriteMs: number | null;
  readonly limitMs: number;
  /** Null where the database could not be read back. */
  readonly writes: Writes | null;
  readonly missed: readonly Missed[];
}

/** Pure. */
export function judgeDrill(
  drill: DrillName,
  { from, to }: { readonly from: string; readonly to: string },
  { outsideFault, verification }: Pick<RunReport, 'outsideFault' | 'verification'>,
  { limits }: Lab,
): DrillResult {
  const limitMs = drill === 'switchover' ? limits.switchoverMs : limits.failoverMs;
  const nextWriteMs = outsideFault === null ? null : Math.round(outsideFault.stallMs);
  const writes = writesOf(verification?.check ?? null);
  const missed: Missed[] = [];
  if (nextWriteMs !== null && nextWriteMs > limitMs)
    missed.push({ is: 'next-write', ms: nextWriteMs, limitMs });
  if (writes !== null) missed.push(...missedCounts(writes, limits));
  if (writes === null || writes.acknowledged === 0)
    missed.push({ is: 'not-judged', reason: verification?.reasons.join('; ') ?? 'nothing was read back' });
  return { drill, from, to, nextWriteMs, limitMs, writes, missed };
}

function missedCounts(writes: Writes, limits: Lab['limits']): Missed[] {
  const most = {
    lost: limits.lostWrites,
    doubled: 0,
    ghosts: 0,
    unexpected: 0,
    unknown: limits.unknownWrites,
  };
  return COUNTED.flatMap((is): Missed[] =>
    writes[is] > most[is] ? [{ is, count: writes[is], limit: most[is] }] : [],
  );
}

function writesOf(check: NonNullable<RunReport['verification']>['check']): Writes | null {
  if (check === null) return null;
  const { counts, writes: sent, acknowledged, unknown } = check;
  const { lost, duplicate: doubled, ghost: ghosts, unexpected } = counts;
  return { sent, acknowledged, lost, doubled, ghosts, unexpected, unknown };
}
