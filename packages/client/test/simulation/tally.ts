import type { RunResult } from './run.ts';
import type { Schedule } from './schedule.ts';

/** What many simulations came to. Plain data: it travels between threads. */
export interface Tally {
  schedules: number;
  operations: number;
  virtualMs: number;
  connects: number;
  /** How often each outcome, fault and other thing worth counting occurred. */
  readonly counts: Record<string, number>;
}

export function emptyTally(): Tally {
  return { schedules: 0, operations: 0, virtualMs: 0, connects: 0, counts: {} };
}

export function addRun(tally: Tally, schedule: Schedule, result: RunResult): void {
  tally.schedules += 1;
  tally.operations += schedule.operations.length;
  tally.virtualMs += result.virtualMs;
  tally.connects += result.connects;
  for (const [name, count] of result.counts) tally.counts[name] = (tally.counts[name] ?? 0) + count;
}

export function addTally(tally: Tally, other: Tally): void {
  tally.schedules += other.schedules;
  tally.operations += other.operations;
  tally.virtualMs += other.virtualMs;
  tally.connects += other.connects;
  for (const [name, count] of Object.entries(other.counts)) {
    tally.counts[name] = (tally.counts[name] ?? 0) + count;
  }
}
