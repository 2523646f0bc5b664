import type { SentFrom, TransactionStatus } from '../protocol.ts';
import type { Command } from './statements.ts';
import type { ChannelMessage, WalRecord } from './wal.ts';

/** The moments of a COMMIT at which a schedule may strike. */
export const COMMIT_PHASES = ['arrived', 'inserted', 'flushed', 'answered'] as const;
export type CommitPhase = (typeof COMMIT_PHASES)[number];

/** What matters of the server that a statement has reached. */
export interface ReachedServer {
  readonly name: string;
  readonly role: 'primary' | 'standby';
  readonly timeline: number;
}

/** The session that a statement has reached. */
export interface ReachedSession {
  readonly name: string;
  readonly status: TransactionStatus;
  readonly belongings: {
    readonly channels: ReadonlySet<string>;
    readonly owner: string | undefined;
    readonly lockTimeoutMs: number;
    readonly holdsLocks: boolean;
  };
}

/** What the model tells of itself: for the invariants, the history and the count of what occurred. */
export interface ModelObserver {
  /** A line of the history. `what` is called only where one is kept. */
  note(actor: string, what: () => string): void;
  /** Something worth counting happened, for example a kind of fault or a promotion. */
  occurred(name: string): void;
  /** A statement is about to run. */
  reached(server: ReachedServer, command: Command, from: SentFrom, session: ReachedSession): void;
  /** The session has an advisory lock from now on. */
  locked(session: object, lock: string): void;
  /** It gives the lock back. */
  unlocked(session: object, lock: string): void;
  /** The session is over, and with it all that it held. */
  sessionEnded(session: object): void;
  /** A reader's cursor will return these rows. */
  opened(reader: string, rows: readonly object[]): void;
  /** A notification is in the log: if the record stays there it is committed. */
  notified(message: ChannelMessage, record: WalRecord): void;
  /** The record is on the disk of a primary. */
  durable(record: WalRecord): void;
}
