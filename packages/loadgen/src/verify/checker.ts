import type { Outcome } from '../drivers/driver.ts';

/** One write as the client knows it; null when no answer was recorded. */
export interface WriteRecord {
  client: number;
  seq: number;
  outcome: Outcome | null;
  error?: string;
  /** When the answer came, or when it was sent if none came; milliseconds since 1970. */
  at: number;
}

/** What the database holds of one write. */
export interface StoredWrite {
  client: number;
  seq: number;
  copies: number;
  /** The timelines on which its rows were written. */
  timelines: readonly string[];
}

export const VERDICTS_OF_A_WRITE = [
  /** Acknowledged, and present once. */
  'stable',
  /** Acknowledged, and absent. */
  'lost',
  /** Present more than once. */
  'duplicate',
  /** Reported as not executed, and present. */
  'ghost',
  /** Reported as not executed, and absent. */
  'fail-absent',
  'unknown-absent',
  /** Its outcome was unknown, and it is present. */
  'unknown-recovered',
  /** Present, and never sent. */
  'unexpected',
] as const;
export type VerdictOfAWrite = (typeof VERDICTS_OF_A_WRITE)[number];

export const VIOLATIONS = ['lost', 'duplicate', 'ghost', 'unexpected'] as const;
type Violation = (typeof VIOLATIONS)[number];

export interface Offender {
  verdict: Violation;
  client: number;
  seq: number;
  /** What the caller was told, or null. */
  outcome: Outcome | null;
  error?: string;
  copies: number;
  timelines: readonly string[];
  at: number | null;
}

export interface CheckResult {
  counts: Record<VerdictOfAWrite, number>;
  /** Writes whose answer was `ok` or `ok-dedup`. */
  acknowledged: number;
  /** Writes whose answer was `unknown` or `unconfirmed`, or never came. */
  unknown: number;
  writes: number;
  /** Every operation behind a violation. */
  offenders: Offender[];
}

/**
 * Judges every write: what the callers were told against what the database holds. Each (client, seq) was sent by one
 * caller in one call, so a second row of it is a duplicate. `writes` holds each (client, seq) once.
 */
export function check(writes: Iterable<WriteRecord>, stored: Iterable<StoredWrite>): CheckResult {
  const counts = Object.fromEntries(
    VERDICTS_OF_A_WRITE.map((verdict) => [verdict, 0]),
  ) as CheckResult['counts'];
  const result: CheckResult = { counts, acknowledged: 0, unknown: 0, writes: 0, offenders: [] };
  const present = new Map<string, StoredWrite>();
  for (const row of stored) present.set(keyOf(row), row);

  for (const write of writes) {
    const key = keyOf(write);
    const row = present.get(key);
    present.delete(key);
    result.writes++;
    if (isAcknowledged(write.outcome)) result.acknowledged++;
    else if (write.outcome !== 'fail') result.unknown++;
    note(result, verdictOf(write.outcome, row?.copies ?? 0), write, row);
  }
  for (const row of present.values()) note(result, 'unexpected', null, row);
  return result;
}

function verdictOf(outcome: Outcome | null, copies: number): VerdictOfAWrite {
  if (outcome === 'fail') return copies === 0 ? 'fail-absent' : 'ghost';
  if (copies > 1) return 'duplicate';
  if (isAcknowledged(outcome)) return copies === 0 ? 'lost' : 'stable';
  return copies === 0 ? 'unknown-absent' : 'unknown-recovered';
}

function isAcknowledged(outcome: Outcome | null): boolean {
  return outcome === 'ok' || outcome === 'ok-dedup';
}

function note(
  result: CheckResult,
  verdict: VerdictOfAWrite,
  write: WriteRecord | null,
  row: StoredWrite | undefined,
): void {
  result.counts[verdict]++;
  if (!isViolation(verdict)) return;
  const { client, seq } = write ?? row!;
  result.offenders.push({
    verdict,
    client,
    seq,
    outcome: write?.outcome ?? null,
    ...(write?.error === undefined ? {} : { error: write.error }),
    copies: row?.copies ?? 0,
    timelines: row?.timelines ?? [],
    at: write?.at ?? null,
  });
}

function isViolation(verdict: VerdictOfAWrite): verdict is Violation {
  return (VIOLATIONS as readonly string[]).includes(verdict);
}

function keyOf(write: { client: number; seq: number }): string {
  return `${write.client}:${write.seq}`;
}
