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

/**
 * Whether one may be held for good: two sessions, a connection for statements and two of probes, and a server that lets
 * all of them in.
 */
export function hasRoomForSessions({ cluster, client }: ScheduleConfig): boolean {
  return client.maxConnections >= 5 && cluster.maxBackends >= 2 * client.maxConnections;
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
  'notify',
  /** Copies rows in, from a source that takes its time. */
  'copy',
  /** Holds a connection and does its steps on it. */
  'connection',
  /** The same, while it holds an advisory lock. */
  'lock',
  /** Reads all rows by a cursor. */
  'stream',
  /** Ends when the channel is listened to; the subscription goes on. */
  'listen',
] as const;
export type OperationKind = (typeof OPERATION_KINDS)[number];

export const LEASE_KINDS = [
  'connection',
  'lock',
  'stream',
  'listen',
] as const satisfies readonly OperationKind[];
export type LeaseKind = (typeof LEASE_KINDS)[number];

export function isLease(kind: OperationKind): kind is LeaseKind {
  return (LEASE_KINDS as readonly OperationKind[]).includes(kind);
}

export type Step =
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
  | { readonly kind: 'throw' }
  | { readonly kind: 'notify'; readonly channel: string }
  // On a connection of one's own, where the transaction is the app's affair:
  | { readonly kind: 'begin' | 'commit' | 'rollback' }
  /** Changes the settings of the session. */
  | { readonly kind: 'set' };

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
  readonly steps?: readonly Step[];
  /** The SQLSTATE of a statement that fails. */
  readonly code?: string;
  /** For `connection`. */
  readonly on?: 'master' | 'replica';
  /** For `lock`: which, and how long to wait for it. */
  readonly lock?: number;
  readonly wait?: boolean | number;
  /** For `listen` and `notify`. */
  readonly channel?: string;
  /** For `listen`: how long the subscription lasts, in milliseconds; none: until the client is closed. */
  readonly listenMs?: number;
  /** For `stream`: rows in one portion. */
  readonly batchSize?: number;
  /** For `stream` and `copy`: how long the reader or the source rests after its first rows, in milliseconds. */
  readonly restMs?: number;
  /** For `stream`, after how many it leaves; for `copy`, how many there are. */
  readonly rows?: number;
  /** For `copy`: the source fails after them. */
  readonly breaks?: true;
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
  /** The next COMMIT is still under way when its connection is lost. */
  'late-commit',
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
