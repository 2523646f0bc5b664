import type { SentFrom } from '../protocol.ts';
import type { Command } from './statements.ts';
import type { WalRecord } from './wal.ts';

/** The moments of a COMMIT at which a schedule may strike. */
export const COMMIT_PHASES = ['arrived', 'inserted', 'flushed', 'answered'] as const;
export type CommitPhase = (typeof COMMIT_PHASES)[number];

/** What matters of the server that a statement has reached. */
export interface ReachedServer {
  readonly name: string;
  readonly role: 'primary' | 'standby';
  readonly timeline: number;
}

/** What the model tells of itself: for the invariants, the history and the count of what occurred. */
export interface ModelObserver {
  /** A line of the history. `what` is called only where one is kept. */
  note(actor: string, what: () => string): void;
  /** Something worth counting happened, for example a kind of fault or a promotion. */
  occurred(name: string): void;
  /** A statement is about to run. */
  reached(server: ReachedServer, command: Command, from: SentFrom): void;
  /** The record is on the disk of a primary. */
  durable(record: WalRecord): void;
}
