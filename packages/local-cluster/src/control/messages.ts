import type {
  Cluster,
  ClusterEvent,
  ClusterStatus,
  FaultStatus,
  PatroniAccess,
  ServerAddress,
} from '../cluster.ts';
import type { ClusterErrorCode } from '../errors.ts';
import type { FaultOptions } from '../faults/fault.ts';
import type { ResolvedOptions } from '../options.ts';

/** What the owner hands to the supervisor before there is a socket to talk over. */
export interface Assignment {
  /** The cluster's own directory, just made. */
  directory: string;
  options: ResolvedOptions;
  /** Under which others find it; undefined: only its owner does. */
  name: string | undefined;
  /** It outlives its owner. */
  detach: boolean;
}

/** Everything a client needs to know about a cluster that is up. */
export interface ClusterFacts {
  endpoints: Cluster['endpoints'];
  database: string;
  user: string;
  password: string;
  ca: string;
  caFile: string;
  superuser: { user: string; password: string };
  servers: ServerAddress[];
  patroni: PatroniAccess | null;
  directory: string;
  name: string | null;
  detached: boolean;
}

/** Requests by method, with what they take and give. */
export interface Methods {
  /** Resolves when the cluster is up; for the owner and everybody who asks while it starts. */
  facts: { params: null; result: ClusterFacts };
  status: { params: null; result: ClusterStatus };
  history: { params: null; result: ClusterEvent[] };
  fault: { params: { name: string; options: FaultOptions }; result: FaultStatus };
  undo: { params: { id: string | null }; result: null };
  stop: { params: null; result: null };
}

export type Method = keyof Methods;

export type Request = { [M in Method]: { id: number; method: M; params: Methods[M]['params'] } }[Method];

export type Reply =
  { id: number; result: unknown } | { id: number; error: { message: string; code: ClusterErrorCode | null } };

/** What the supervisor sends: replies, and every event to everybody who is connected. */
export type ServerMessage = Reply | { event: ClusterEvent };
