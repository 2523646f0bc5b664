import type { Address, EndpointKind } from './endpoint.ts';
import type { AppliedFault, FaultName, FaultOptions } from './faults/fault.ts';

/** A server's own address, past the virtual IPs. It stays the same for the cluster's life. */
export interface ServerAddress extends Address {
  /** `pg1`, `pg2`, … */
  name: string;
}

export type ServerState = 'running' | 'stopped' | 'frozen' | 'starting' | 'cloning';

export interface ServerStatus extends ServerAddress {
  state: ServerState;
  /** What the server itself answers right now; `unknown` when it does not answer. */
  role: 'primary' | 'standby' | 'unknown';
  timeline: number | null;
  /** Primary: flushed up to here; standby: received or replayed up to here. */
  lsn: string | null;
  /** The primary waits for this standby (or for one of several like it) before it acknowledges. */
  synchronous: boolean;
  /** Client connections open through the virtual IPs, those of the poolers included. */
  connections: number;
}

export interface VirtualIpStatus extends Address {
  kind: EndpointKind;
  /** Names of the servers (or of the pooler) that a new connection may reach. */
  backends: string[];
  connections: number;
}

export interface FaultStatus {
  id: string;
  name: FaultName;
  target: string;
  /** Milliseconds since the epoch. */
  appliedAt: number;
}

export interface ClusterStatus {
  servers: ServerStatus[];
  /** Name of the primary; null while there is none. */
  primary: string | null;
  /** The primary's timeline; null while there is none. */
  timeline: number | null;
  virtualIps: VirtualIpStatus[];
  /** Faults that are in force. */
  faults: FaultStatus[];
  /** Why no promotion happens although the primary is lost, in words, or null. */
  blocked: string | null;
}

export type ClusterEventType =
  | 'start:progress'
  | 'cluster:started'
  | 'cluster:stopped'
  | 'fault:applied'
  | 'fault:undone'
  | 'primary:lost'
  | 'primary:restarted'
  | 'primary:promoted'
  | 'promotion:blocked'
  | 'server:lost'
  | 'server:cloning'
  | 'server:following'
  | 'server:rejoined'
  | 'server:failed'
  | 'pooler:lost'
  | 'pooler:restarted';

export interface ClusterEvent {
  /** Milliseconds since the epoch. */
  at: number;
  type: ClusterEventType;
  server?: string;
  timeline?: number;
  /** One line for people. */
  detail: string;
  fault?: { id: string; name: FaultName; target: string };
}

/** How Patroni's agents are reached: to ask them, and to give them orders as `patronictl` does. */
export interface PatroniAccess {
  /**
   * Of each server, by its name, where the REST interface of its agent listens. As from the server's own machine: what cuts
   * the network between the parts of the cluster is not in the way.
   */
  readonly agents: Readonly<Record<string, Address>>;
  /** Orders are taken from this user alone, by HTTP's basic authentication. Questions are answered without. */
  readonly user: string;
  readonly password: string;
}

/** A running cluster. Every method rejects with one clear line once the cluster is gone. */
export interface Cluster extends AsyncDisposable {
  readonly endpoints: {
    master: Address;
    /** Absent with `replicas: 0`. */
    replica?: Address;
    /** Absent without PgBouncer. */
    masterPooler?: Address;
    replicaPooler?: Address;
  };
  readonly database: string;
  /** An ordinary role that owns the database. */
  readonly user: string;
  readonly password: string;
  /** PEM of the certificate authority. Server certificates hold 127.0.0.1, ::1 and localhost, unless others were given. */
  readonly ca: string;
  /** Allowed at the servers and at the master and replica addresses, not at the poolers. */
  readonly superuser: { user: string; password: string };
  readonly servers: readonly ServerAddress[];
  /** Absent with engine `embedded`. */
  readonly patroni?: PatroniAccess;
  /** A URL for the ordinary role that works in psql and in node-postgres, TLS verified. @defaultValue 'master' */
  connectionString(kind?: EndpointKind): string;
  /** The file on this machine that a server's output is appended to. @throws ClusterError where there is no such server. */
  logFileOf(server: string): string;
  status(): Promise<ClusterStatus>;
  /**
   * Does something to a server or to the network, and resolves once it is done: after `kill-primary`
   * no process of the server is left, after `freeze-primary` all are stopped, `restart` and
   * `switchover` are over.
   */
  fault(name: FaultName, options?: FaultOptions): Promise<AppliedFault>;
  /** By the id of an applied fault; one that has ended already is fine. */
  undoFault(id: string): Promise<void>;
  undoAllFaults(): Promise<void>;
  /** Hears every event from now on; a throwing listener harms nobody. Returns unsubscribe. */
  on(listener: (event: ClusterEvent) => void): () => void;
  /** Everything that happened since the start, oldest first (the last 1000 events). */
  history(): Promise<ClusterEvent[]>;
  /** Resolves when the cluster is gone, whoever stopped it. */
  readonly ended: Promise<void>;
  /** Stops every process and removes the directory. Twice is fine. */
  stop(): Promise<void>;
  /**
   * Leaves the cluster without stopping it, where it was reached with `connectCluster()`.
   * For the process that called `startCluster()` this is the same as `stop()`.
   */
  disconnect(): Promise<void>;
}
