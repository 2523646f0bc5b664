import type { Address, EndpointKind } from '../endpoint.ts';
import type { Engine } from '../engine/engine.ts';
import type { VirtualIp } from '../virtual-ip/virtual-ip.ts';
import type { FaultOptions } from './fault.ts';

/** A pooler that can be kept on one server, whatever the roles do. */
export interface PinnablePooler {
  /** From the next transaction on the pooler uses this server. The pin that came last holds. */
  pin(id: string, server: Address): Promise<void>;
  unpin(id: string): Promise<void>;
}

/** What a fault works on. */
export interface FaultScene {
  engine: Engine;
  /** Refuses with one clear line where this cluster has no such address. */
  virtualIp(kind: EndpointKind): VirtualIp;
  /** Refuses like `virtualIp`. */
  pooler(kind: 'masterPooler'): PinnablePooler;
}

/** Called with the target at the moment the fault strikes; the note tells more than the options do. */
export type Announce = (target: string, note?: string) => void;

/** A fault that is in force. */
export interface Effect {
  undo(): Promise<void>;
  /** It has ended by itself: the server that was hit has a role again. Absent: only `undo` ends it. */
  isOver?(): boolean;
}

/** Strikes, and resolves when the deed is done. */
export type ApplyFault = (
  scene: FaultScene,
  options: FaultOptions,
  announce: Announce,
  id: string,
) => Promise<Effect>;

/** For what is over when it is done. */
export const OVER_AT_ONCE: Effect = { undo: () => Promise.resolve(), isOver: () => true };
