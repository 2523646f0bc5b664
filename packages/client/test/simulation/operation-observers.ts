/** Who follows what operations give their callers. */
import type { Notification } from '../../src/wire/wire.ts';
import type { OperationPlan } from './schedule.ts';

/** A row as a scan returns it. */
export interface Row {
  readonly key: string;
  readonly version: string;
}

/** Follows what is read. */
export interface ScanObserver {
  /** @returns to be called with what the scan has returned. */
  scanning(plan: OperationPlan): (rows: readonly Row[]) => void;
  /** A part of the operation is done, and its caller knows. @param keys - what it has written; none: all of it. */
  wrote(plan: OperationPlan, keys?: readonly string[]): void;
}

/** Follows what leases give their callers. */
export interface LeaseObserver {
  /** The callback that holds the lock begins, and is told by the signal when it is lost. @returns what marks its end. */
  holding(plan: OperationPlan, lost: AbortSignal): () => void;
  /** Rows that a stream gave; `whole`: it has ended by itself. */
  streamed(plan: OperationPlan, rows: readonly Row[], whole: boolean): void;
  listening(plan: OperationPlan, subscription: { close(): Promise<void> }): void;
  heard(plan: OperationPlan, notification: Notification): void;
  /** A part of it took longer than it may. */
  late(plan: OperationPlan, what: string): void;
  /** It was told that notifications may have been missed. */
  deaf(plan: OperationPlan): void;
}
