import { longestOf } from './gaps.ts';
import type { Gap } from './gaps.ts';

/** One try of the observer to open a fresh connection to the master address and to write. */
export interface Attempt {
  startedAt: number;
  endedAt: number;
  ok: boolean;
}

/** When a fresh connection to the master address could not write; milliseconds since 1970. */
export interface Outage {
  from: number;
  /** Null when it had not ended while the observer watched. */
  to: number | null;
}

/** An attempt of the observer is given up then. */
export const ATTEMPT_LIMIT_MS = 1_000;

/**
 * The outage within the observer's attempts, or null when none of them failed. It ends with the first success of an
 * attempt that began after the first failed one, and that ended after the failure was there: attempts overlap, and an
 * earlier answer may have come from the dying server.
 */
export function outageOf(attempts: readonly Attempt[]): Outage | null {
  const failed = attempts.filter((attempt) => !attempt.ok);
  if (failed.length === 0) return null;
  const from = Math.min(...failed.map((attempt) => attempt.startedAt));
  const evidentAt = Math.min(...failed.map(evidenceOf));
  const recovered = attempts
    .filter((attempt) => attempt.ok && attempt.startedAt > from && attempt.endedAt > evidentAt)
    .map((attempt) => attempt.endedAt);
  return { from, to: recovered.length === 0 ? null : Math.min(...recovered) };
}

/** An attempt that hung was hopeless from its start; one that was refused or cut may have been well until its end. */
function evidenceOf({ startedAt, endedAt }: Attempt): number {
  return endedAt - startedAt >= ATTEMPT_LIMIT_MS ? startedAt : endedAt;
}

/**
 * The client's own share of a stall: from the moment a fresh connection could write to the first success through the
 * driver. That success ends the longest gap that overlaps the outage: answers that were on their way when the server
 * died may arrive inside the outage and end shorter ones.
 */
export function ownShareMs(outage: Outage, gaps: readonly Gap[]): number | null {
  if (outage.to === null) return null;
  const to = outage.to;
  const overlapping = gaps.filter((gap) => gap.from < to && gap.to > outage.from);
  const stall = overlapping.find((gap) => gap.to - gap.from === longestOf(overlapping));
  return stall === undefined ? 0 : Math.max(0, stall.to - to);
}
