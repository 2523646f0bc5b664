import type { ClusterEvent, ServerAddress, ServerStatus } from '../cluster.ts';

/** Reports one thing that happened. */
export type Emit = (event: Omit<ClusterEvent, 'at'> & { at?: number }) => void;

/** A server that was hit, and the way back. */
export interface Hit {
  server: string;
  undo(): Promise<void>;
  /** Nothing of it is left: the server has a role again. */
  isOver(): boolean;
}

export interface EngineStatus {
  servers: Omit<ServerStatus, 'connections'>[];
  primary: string | null;
  timeline: number | null;
  blocked: string | null;
}

/** Real servers with replication and promotion; the virtual IPs in front of them are not its business. */
export interface Engine {
  readonly servers: readonly ServerAddress[];
  stop(): Promise<void>;
  status(): Promise<EngineStatus>;
  /** Where new connections may go right now, by role. */
  backends(role: 'primary' | 'standby'): ServerAddress[];
  /**
   * The server that was primary before, or is the lost one while there is no primary; before any
   * failover a standby. It need not run. Undefined where there is no other server.
   */
  demoted(): ServerAddress | undefined;
  /** Each calls `announce` with the server's name at the moment it strikes. */
  killPrimary(announce: (server: string) => void): Promise<Hit>;
  freezePrimary(announce: (server: string) => void): Promise<Hit>;
  freezePostmaster(announce: (server: string) => void): Promise<Hit>;
  restart(announce: (server: string) => void): Promise<void>;
  switchover(announce: (server: string) => void): Promise<void>;
}
