import type { Address, EndpointKind } from '../endpoint.ts';
import type { Announce, Effect, Engine } from '../engine/engine.ts';
import type { VirtualIp } from '../virtual-ip/virtual-ip.ts';
import type { FaultOptions } from './fault.ts';

/** A pooler that can be kept on one server, whatever the roles do. */
export interface PinnablePooler {
  /** From the next transaction on the pooler uses this server. The pin that came last holds. */
  pin(id: string, server: Address): Promise<void>;
  unpin(id: string): Promise<void>;
}

/** What a fault of the network works on. */
export interface FaultScene {
  engine: Engine;
  /** Refuses with one clear line where this cluster has no such address. */
  virtualIp(kind: EndpointKind): VirtualIp;
  /** Refuses like `virtualIp`. */
  pooler(kind: 'masterPooler'): PinnablePooler;
  /** To be called when an effect has ended by itself. */
  sweep(): void;
}

/** Strikes, and resolves when the deed is done. */
export type ApplyFault = (
  scene: FaultScene,
  options: FaultOptions,
  announce: Announce,
  id: string,
) => Promise<Effect>;
