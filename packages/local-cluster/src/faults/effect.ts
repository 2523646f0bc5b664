import type { EndpointKind } from '../endpoint.ts';
import type { Engine } from '../engine/engine.ts';
import type { VirtualIp } from '../virtual-ip/virtual-ip.ts';
import type { FaultOptions } from './fault.ts';

/** What a fault works on. */
export interface FaultScene {
  engine: Engine;
  /** Refuses with one clear line where this cluster has no such address. */
  virtualIp(kind: EndpointKind): VirtualIp;
}

/** Called with the target at the moment the fault strikes. */
export type Announce = (target: string) => void;

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
