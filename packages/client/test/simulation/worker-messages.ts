/** What the threads of a simulation say to each other. */
import type { HistoryLine, Violation } from './invariants.ts';
import type { Schedule } from './schedule.ts';
import type { Tally } from './tally.ts';

export interface WorkerOptions {
  /** The name of the mutation that this thread's client has. */
  readonly mutation?: string | undefined;
}

export type Order =
  /** Schedules of neighbouring seeds, up to the first that fails. */
  | { readonly kind: 'range'; readonly from: number; readonly count: number }
  | { readonly kind: 'replay'; readonly schedule: Schedule }
  | { readonly kind: 'shrink'; readonly schedule: Schedule; readonly invariant: string };

export type Answer =
  | { readonly kind: 'ran'; readonly tally: Tally; readonly failed?: FailedSchedule }
  | {
      readonly kind: 'replayed';
      readonly violations: readonly Violation[];
      readonly history: readonly HistoryLine[];
      readonly virtualMs: number;
    }
  | { readonly kind: 'shrunk'; readonly schedule: Schedule }
  /** The simulation itself failed. */
  | { readonly kind: 'broken'; readonly reason: string };

export interface FailedSchedule {
  readonly seed: number;
  readonly violation: Violation;
}
