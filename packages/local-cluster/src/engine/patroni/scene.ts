import type { Etcd } from './etcd.ts';
import type { NodeNetwork } from './network.ts';
import type { PatroniNode } from './patroni-node.ts';

/** What the faults of this engine work on. */
export interface PatroniScene {
  readonly nodes: readonly PatroniNode[];
  readonly etcd: Etcd;
  readonly network: NodeNetwork;
  readonly primary: PatroniNode | undefined;
  /** Refuses with one clear line where there is none. */
  requirePrimary(fault: string): PatroniNode;
  /** It is primary, or follows the one that is. */
  isBack(node: PatroniNode): boolean;
  /**
   * The primary is lost. With the number of a process it does not count as primary again before that is
   * gone. Does nothing where it is not the primary.
   */
  lose(node: PatroniNode, why: string, outgoing?: number): void;
  /** The process that was to end goes on after all. */
  stays(): void;
  /** Resolves when there is a primary as wanted, and the virtual IP leads there. */
  untilPrimary(fault: string, isWanted: (node: PatroniNode) => boolean): Promise<void>;
  /** An agent that stood still since then may have lost the leader's lease (by `performance.now()`). */
  leaseMayBeOver(sinceMs: number): boolean;
  /** Its agent is not started again when it has ended. */
  keepDown(node: PatroniNode): void;
  /** Starts the agent, where it does not run. */
  letUp(node: PatroniNode): Promise<void>;
  /** As after a crash of the machine: the agent starts once somebody else is primary. */
  startAfterFailover(node: PatroniNode): void;
}
