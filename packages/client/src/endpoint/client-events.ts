import type { EndpointKind } from '../policy/topology.ts';

/** What the client tells of itself. Facts, in the past tense; listeners can't disturb the client. */
export interface ClientEvents {
  /** The endpoint can be used (again). */
  'endpoint:up': { endpoint: EndpointKind; address: string };
  /** Nothing could be connected there; `reason` is the failure in words. */
  'endpoint:down': { endpoint: EndpointKind; address: string; reason: string };
  /** A primary was met on a timeline that had not been seen: the first one, or the new one after a failover. */
  'primary:changed': { address: string; systemId: string; timeline: number };
  /** Another cluster (another system identifier) stands behind the addresses, and nothing of the known one is left. */
  clusterReplaced: { address: string; systemId: string };
  /** Two living servers are primary on the same timeline. Writes wait until only one is met. */
  splitBrain: { systemId: string; timeline: number; servers: readonly [string, string] };
  /** The connections to an endpoint keep breaking: nothing is sent there until a probe went well. */
  'breaker:opened': { endpoint: EndpointKind; reason: string };
  'breaker:closed': { endpoint: EndpointKind };
  /** A server owes answers and is silent; a probe was sent. */
  'server:suspected': { endpoint: EndpointKind; address: string; silentMs: number };
  /** A silent server did not answer the probe either: its connections were closed. */
  'server:dead': { endpoint: EndpointKind; address: string; silentMs: number };
  /** An attempt failed in a way that allows another one, which follows. */
  'attempt:failed': { operation: string; attempt: number; reason: string };
  /** A lost COMMIT was asked about, and the answer is known. */
  'outcome:settled': { committed: boolean };
  /**
   * The connection that listens was lost and is replaced: `channels` are listened to again, and what was sent to them
   * in the meantime was not heard.
   */
  'notifications:missed': { channels: readonly string[]; deafMs: number; reason: string };
  /** Transactions run without the exactly-once commit, because the schema is missing. Told once. */
  'exactly-once:unavailable': { reason: string };
}
