/** A schedule: everything that a simulation does, as plain data that can be printed, repeated and shortened. */
import type { EndpointKind } from './endpoints.ts';
import type { ClusterConfig } from './model/cluster.ts';
import type { DeadServer } from './model/network.ts';
import type { CommitPhase } from './model/observer.ts';

export interface Schedule {
  readonly seed: number;
  readonly config: ScheduleConfig;
  readonly operations: readonly OperationPlan[];
  readonly faults: readonly FaultPlan[];
  /** When the app closes the client, in milliseconds; null where it does not until the end. */
  readonly closeAt: number | null;
}

export interface ScheduleConfig {
  readonly cluster: ClusterConfig;
  readonly replicaAddress: boolean;
  readonly poolers: boolean;
  /** Somebody else writes to the primary all the time, this far apart; null: nobody does. */
  readonly foreignWriteMs: number | null;
  readonly latencyMs: readonly [number, number];
  readonly deadServer: DeadServer;
  readonly client: {
    readonly maxConnections: number;
    readonly maxWaiting: number;
    readonly deadlineMs: number;
    readonly idleTimeoutMs: number;
    readonly maxLifetimeMs: number;
    readonly connectSilenceMs: number;
    readonly closeTimeoutMs: number;
    readonly prefer: 'direct' | 'pooler';
    readonly consistency: 'process' | 'session' | 'eventual';
    readonly maxStalenessMs: number | false;
    readonly readOnlyWhenNoPrimary: boolean;
  };
}

export const OPERATION_KINDS = [
  'write',
  'write-returning',
  'idempotent',
  'once',
  'once-returning',
  'query-read',
  'query-write',
  'query-routed',
  'read-refused',
  'read',
  /** Reads all rows. */
  'scan',
  /** Writes, and reads all rows three times. */
  'visit',
  'transaction',
  'transaction-unmarked',
  /** Reads all rows, in a transaction that may run on a replica. */
  'transaction-read-only',
  'failing',
] as const;
export type OperationKind = (typeof OPERATION_KINDS)[number];

export type TransactionStep =
  | { readonly kind: 'insert' }
  | { readonly kind: 'read' }
  | { readonly kind: 'scan' }
  /** Updates a row that others update too. */
  | { readonly kind: 'count'; readonly id: string }
  /** Something that is no statement takes this long. */
  | { readonly kind: 'wait'; readonly ms: number }
  /** The server takes this long. */
  | { readonly kind: 'sleep'; readonly ms: number }
  /** A statement fails, and the callback lets it. */
  | { readonly kind: 'fail'; readonly code: string }
  /** A statement fails, and the callback goes on as if it had not. */
  | { readonly kind: 'fail-caught'; readonly code: string }
  | { readonly kind: 'throw' };

export interface OperationPlan {
  readonly id: string;
  readonly kind: OperationKind;
  /** In milliseconds from the beginning. */
  readonly at: number;
  readonly deadlineMs: number;
  /** The session that it belongs to, by name; none: the client's own. */
  readonly session?: string;
  /** Whether the session is first made anew from its token, as by another request. */
  readonly handOver?: boolean;
  /** When the caller gives up, in milliseconds from the operation's own beginning. */
  readonly abortAfterMs?: number;
  readonly steps?: readonly TransactionStep[];
  /** The SQLSTATE of a statement that fails. */
  readonly code?: string;
}

export const FAULT_KINDS = [
  'kill-primary',
  'kill-standby',
  'freeze-primary',
  'freeze-standby',
  'frozen-postmaster',
  'crash-backend',
  'terminate-backends',
  'restart',
  'switchover',
  'partition',
  'cut-replication',
  'isolate-standby',
  'cancel-sync-waits',
  'lag',
  'slow-server',
  'refuse',
  'reset',
  'blackhole',
  'latency',
  'cut-packet',
  'at-commit',
  'stale-pooler',
  'pooler-down',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** What happens to the server or the connection at a COMMIT. */
export const COMMIT_STRIKES = [
  'kill',
  'freeze',
  'crash',
  'cut',
  'blackhole',
  'cut-replication',
  'terminate',
  'cut-and-cancel',
] as const;
export type CommitStrike = (typeof COMMIT_STRIKES)[number];

export interface FaultPlan {
  readonly kind: FaultKind;
  readonly at: number;
  /** How long it lasts, in milliseconds; at once over where it has no end of its own. */
  readonly forMs: number;
  /** The address, for faults of the network. */
  readonly endpoint?: EndpointKind;
  readonly direction?: 'toServer' | 'toClient' | 'both';
  /** For `at-commit`: when, what, and at which one from then on. */
  readonly phase?: CommitPhase;
  readonly strike?: CommitStrike;
  readonly nth?: number;
  /** Milliseconds or a factor, where the fault has a size. */
  readonly size?: number;
}
