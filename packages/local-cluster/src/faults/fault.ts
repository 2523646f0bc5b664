import type { EndpointKind } from '../endpoint.ts';

/** Named as docs and command line name them. */
export const FAULT_NAMES = [
  'kill-primary',
  'freeze-primary',
  'frozen-postmaster',
  'crash-backend',
  'restart',
  'switchover',
  'cut-replication',
  'lag',
  'disk-full',
  'refuse',
  'reset_peer',
  'blackhole',
  'latency',
  'bandwidth',
  'slicer',
  'limit_data',
  'partition',
  'two-masters',
  'stale-pooler',
  'cut-after-commit',
  'cut-at-message',
  'kill-agent',
  'freeze-agent',
  'lose-etcd',
  'cut-etcd',
  'pause',
] as const;

export type FaultName = (typeof FAULT_NAMES)[number];

export interface FaultOptions {
  /** Faults of the network and of the protocol: the address they hit. @defaultValue 'master' */
  endpoint?: EndpointKind;
  /**
   * `blackhole`, `latency`, `bandwidth`, `slicer`, `limit_data`, `cut-at-message`: upstream is from the
   * client to the server. `cut-at-message` counts one direction only.
   * @defaultValue 'both'; `cut-at-message`: 'upstream'
   */
  direction?: 'upstream' | 'downstream' | 'both';
  /** `latency`: how long each chunk is held back, in each direction concerned. 0 to 600000. @defaultValue 200 */
  latencyMs?: number;
  /** `latency`: up to this much more or less, per chunk; the order stays. 0 to `latencyMs`. @defaultValue 0 */
  jitterMs?: number;
  /** `bandwidth`: what each connection gets through in a second. 1 to 1000000000. @defaultValue 100000 */
  bytesPerSecond?: number;
  /** `slicer`: every chunk arrives in pieces of at most this many bytes. 1 to 65536. @defaultValue 16 */
  sliceBytes?: number;
  /** `slicer`: the pause between two pieces. 0 to 60000. @defaultValue 1 */
  pauseMs?: number;
  /** `limit_data`: a connection is closed once this many bytes have passed in one direction. 0 to 1000000000. @defaultValue 4096 */
  limitBytes?: number;
  /**
   * `two-masters`: what stands behind the master address beside the primary. `standby`: the server that
   * was primary before, alive or not; before any failover a standby. `blackhole`: accepts and stays silent.
   * `refuse`: resets what it accepts.
   * @defaultValue 'standby'
   */
  other?: 'standby' | 'blackhole' | 'refuse';
  /** `two-masters`: how each new connection is given to one of the two. @defaultValue 'turns' */
  choice?: 'turns' | 'random';
  /** `two-masters` with `choice: 'random'`: the same seed makes the same choices. Integer, 0 to 4294967295. @defaultValue 1 */
  seed?: number;
  /** `cut-at-message`: the number of the message that is cut at, counted on each connection from 1. 1 to 1000000. @defaultValue 1 */
  message?: number;
  /** `cut-at-message`: whether that message still arrives. @defaultValue false */
  delivered?: boolean;
  /** `cut-after-commit`, `cut-at-message`: the fault is over after so many cuts. 1 to 1000000. @defaultValue 1 */
  times?: number;
  /** `cut-after-commit`, `cut-at-message`: the connection is reset, or says nothing more. @defaultValue 'reset' */
  cut?: 'reset' | 'silence';
  /**
   * Which server. `stale-pooler`, the one that the pooler stays on: `demoted` (the one that was primary
   * before; before any failover a standby) or `primary` (the one that is primary now and will be demoted).
   * `cut-replication`, `lag`: one standby by its name, `pg2`; without it all of them.
   * `disk-full`, `kill-agent`, `freeze-agent`, `cut-etcd`: by its name, or `primary`.
   * @defaultValue `stale-pooler`: 'demoted'; the last four: 'primary'
   */
  server?: string;
  /** `lag`: how far behind standbys replay. 1 to 3600000. @defaultValue 5000 */
  lagMs?: number;
  /**
   * `partition`: who still hears whom. Members are server names, `primary`, `standbys`, `clients` (the
   * virtual IPs and whoever is behind them) and `control` (the supervisor, or etcd). Servers and control
   * that are in no group belong to the largest one; clients that are in none go on reaching everybody.
   * @defaultValue [['primary'], ['standbys']]
   */
  groups?: readonly (readonly string[])[];
  /** `kill-primary`, Patroni only: PostgreSQL dies and its agent lives, so that Patroni recovers it. @defaultValue false */
  keepAgent?: boolean;
}

export interface AppliedFault {
  id: string;
  name: FaultName;
  /** A server's name, an endpoint's kind, or what else was hit. */
  target: string;
  /** When it began, in milliseconds since the epoch. */
  appliedAt: number;
  /** Ends the fault; twice is fine. See the README for what becomes of open connections. */
  undo(): Promise<void>;
}
