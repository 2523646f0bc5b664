import type { EndpointKind } from '../endpoint.ts';

/** Named as docs and command line name them. */
export const FAULT_NAMES = [
  'kill-primary',
  'freeze-primary',
  'frozen-postmaster',
  'restart',
  'switchover',
  'refuse',
  'reset_peer',
  'blackhole',
  'latency',
  'two-masters',
  'stale-pooler',
] as const;

export type FaultName = (typeof FAULT_NAMES)[number];

export interface FaultOptions {
  /** Network faults only: the address they hit. @defaultValue 'master' */
  endpoint?: EndpointKind;
  /**
   * `blackhole` and `latency`: upstream is from the client to the server.
   * @defaultValue 'both'
   */
  direction?: 'upstream' | 'downstream' | 'both';
  /** `latency`: how long each chunk is held back, in each direction concerned. 0 to 600000. @defaultValue 200 */
  latencyMs?: number;
  /** `latency`: up to this much more or less, per chunk; the order stays. 0 to `latencyMs`. @defaultValue 0 */
  jitterMs?: number;
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
  /**
   * `stale-pooler`: the server that the pooler stays on: the one that was primary before (before any
   * failover a standby), or the one that is primary now and will be demoted.
   * @defaultValue 'demoted'
   */
  server?: 'demoted' | 'primary';
}

export interface AppliedFault {
  id: string;
  name: FaultName;
  /** A server's name or an endpoint's kind. */
  target: string;
  /** When it began, in milliseconds since the epoch. */
  appliedAt: number;
  /** Ends the fault; twice is fine. See the README for what becomes of open connections. */
  undo(): Promise<void>;
}
