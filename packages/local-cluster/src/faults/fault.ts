import type { EndpointKind } from '../endpoint.ts';

/** Named as docs and command line name them. */
export const FAULT_NAMES = [
  'kill-primary',
  'freeze-primary',
  'restart',
  'switchover',
  'refuse',
  'reset_peer',
  'blackhole',
  'latency',
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
