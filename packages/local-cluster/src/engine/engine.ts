import type { ClusterEvent, PatroniAccess, ServerAddress, ServerStatus } from '../cluster.ts';
import type { Address } from '../endpoint.ts';
import type { FaultName, FaultOptions } from '../faults/fault.ts';
import type { Children } from '../process/children.ts';
import type { Janitor } from '../process/janitor.ts';
import type { ResolvedOptions } from '../options.ts';
import type { Layout } from './layout.ts';

/** Reports one thing that happened. */
export type Emit = (event: Omit<ClusterEvent, 'at'> & { at?: number }) => void;

/** Called with the target at the moment a fault strikes; the note tells more than the options do. */
export type Announce = (target: string, note?: string) => void;

/** A fault that is in force. */
export interface Effect {
  undo(): Promise<void>;
  /** It has ended by itself: the server that was hit has a role again. Absent: only `undo` ends it. */
  isOver?(): boolean;
}

/** For what is over when it is done. */
export const OVER_AT_ONCE: Effect = { undo: () => Promise.resolve(), isOver: () => true };

/** Strikes servers, or what is between them, and resolves when the deed is done. */
export type EngineFault = (options: FaultOptions, announce: Announce) => Promise<Effect>;

export interface EngineStatus {
  servers: Omit<ServerStatus, 'connections'>[];
  primary: string | null;
  timeline: number | null;
  blocked: string | null;
}

/** Real servers with replication and promotion; the virtual IPs in front of them are not its business. */
export interface Engine {
  readonly servers: readonly ServerAddress[];
  /** What it can do to its servers; the faults of the network at the virtual IPs are not its business. */
  readonly faults: Readonly<Partial<Record<FaultName, EngineFault>>>;
  stop(): Promise<void>;
  status(): Promise<EngineStatus>;
  /** Where new connections may go right now, by role. */
  backends(role: 'primary' | 'standby'): ServerAddress[];
  /** Where connections are led through instead of going to the server directly. Absent: they go there. */
  entrance?(role: 'primary' | 'standby'): Address;
  /** Client connections to a server, where they are led through an entrance. */
  connectionsTo?(server: string): number;
  /** Nothing gets through between the virtual IPs and this server. Absent: never so. */
  isCutFromClients?(server: string): boolean;
  /**
   * The server that was primary before, or is the lost one while there is no primary; before any
   * failover a standby. It need not run. Undefined where there is no other server.
   */
  demoted(): ServerAddress | undefined;
}

/** An engine that is up, with what poolers and clients need beside it. */
export interface StartedEngine {
  engine: Engine;
  children: Children;
  layout: Layout;
  /** PEM of the certificate authority. */
  ca: string;
  passwords: { user: string; superuser: string };
  /** Where there are agents. */
  patroni?: PatroniAccess;
}

export interface StartNeeds {
  options: ResolvedOptions;
  /** The cluster's own, empty directory. */
  directory: string;
  janitor: Janitor;
  emit: Emit;
  /** Aborted to give the start up. */
  signal: AbortSignal;
  /** Called when a role or a server's reachability changed; resolves when the virtual IPs know. */
  onRolesChanged: (engine: Engine) => Promise<void>;
}
