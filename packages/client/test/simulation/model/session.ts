import type { Timer } from '../../../src/runtime/clock.ts';
import type { IdentityRow } from '../../../src/wire/sql.ts';
import type { SqlError } from '../protocol.ts';
import type { Locks } from './locks.ts';
import type { CommitPhase, ModelObserver } from './observer.ts';
import type { SyncWaits } from './sync-waits.ts';
import type { Change, Data, WalRecord } from './wal.ts';

/** A session, as its server and others on it know it. */
export interface Session {
  readonly processId: number;
  /** With the process number it names one session for good. */
  readonly start: string;
  readonly idleInTransaction: boolean;
  /** Ends it as an operator or a timeout does. */
  terminate(error: SqlError): void;
  /** For faults: the connection to its client is cut. */
  cutLink(): void;
  /** For faults: nothing passes between it and its client any more. @returns what ends that. */
  swallowLink(): () => void;
  /** What pg_stat_activity calls active: it works on a statement, or waits for something with one. */
  readonly isActive: boolean;
}

/** What a session needs of its server. */
export interface SessionHost {
  readonly name: string;
  readonly role: 'primary' | 'standby';
  readonly timeline: number;
  readonly systemId: string;
  readonly frozen: boolean;
  /** Positions: how far its log goes, how much of it is on disk, and how much of it can be read. */
  readonly inserted: number;
  readonly flushed: number;
  readonly replayed: number;
  /** The timeline that it streams as a standby. */
  readonly streamedTimeline: number | null;
  readonly observer: ModelObserver;
  readonly data: Data;
  readonly locks: Locks;
  readonly advisoryLocks: Locks;
  readonly sync: SyncWaits;
  /** Runs after the time, in this incarnation, and not while the server is frozen. */
  after(delayMs: number, run: () => void): Timer;
  /** How long a statement takes by itself. */
  serviceMs(): number;
  identity(session: Session): IdentityRow;
  session(processId: number): Session | undefined;
  forget(session: Session): void;
  /** The next transaction id. After a crash those that never reached the disk are given again. */
  assignXid(): number;
  /** What `pg_xact_status` says. */
  statusOf(xid: number): 'in progress' | 'committed' | 'aborted' | undefined;
  insertRecord(changes: readonly Change[], xid: number): WalRecord;
  whenFlushed(record: WalRecord, done: () => void): void;
  /** Makes a commit visible to others, and tells those who listen. */
  show(record: WalRecord, session: Session): void;
  /** A commit is about to be answered as done. */
  acknowledge(record: WalRecord): void;
  atCommit(phase: CommitPhase, session: Session): void;
}
