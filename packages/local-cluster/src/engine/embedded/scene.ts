import type { ResolvedOptions } from '../../options.ts';
import type { Children } from '../../process/children.ts';
import type { Member } from './member.ts';
import type { Partitions } from './partitions.ts';
import type { ReplayDelays } from './replay-delays.ts';
import type { ReplicationLinks } from './replication-links.ts';

/** A time without a primary, from its loss on. */
export interface Vacancy {
  lost: Member;
  /** Somebody took the role away on purpose, and can give it back. */
  byFault: boolean;
  /** Gives the failover up, as long as it has not begun to promote. */
  giveUp: AbortController;
  promoting: boolean;
  blocked: string | null;
  failover: Promise<void>;
}

/** What the faults of this engine work on. */
export interface EmbeddedScene {
  readonly options: ResolvedOptions;
  readonly members: readonly Member[];
  readonly children: Children;
  readonly links: ReplicationLinks;
  readonly partitions: Partitions;
  readonly delays: ReplayDelays;
  /** Primaries that live on where the supervisor does not reach them. */
  readonly beyond: Set<Member>;
  /** Refuses with one clear line where there is none. */
  requirePrimary(fault: string): Member;
  /** It is primary. */
  reigns(member: Member): boolean;
  /** It follows the server that is primary. */
  follows(member: Member): boolean;
  /** Takes the role from the primary, on purpose. */
  vacate(primary: Member): Vacancy;
  reportLoss(primary: Member, detail: string): Promise<void>;
  /** @param delayMs - before a promotion; by default what the options say. */
  failOver(vacancy: Vacancy, delayMs?: number): void;
  /** Resolves when the tending of the last reign has let go of all standbys. */
  tended(): Promise<unknown>;
  /** Once begun it is never given up for another standby: that could make two primaries. */
  promote(successor: Member, former: Member): Promise<void>;
  /** Undo of a fault on the primary: true when it has its role back, false when somebody else has it. */
  comeBack(primary: Member, revive: () => Promise<void>): Promise<boolean>;
  /** The lost primary has its role back. */
  takeBack(primary: Member): Promise<void>;
  /** The same, where it may have gone on running out of reach. */
  bringBack(primary: Member): Promise<boolean>;
  /** Undo of what kept a server from running. */
  startWhereLost(member: Member): Promise<void>;
  /** Resolves when the virtual IPs know. */
  rolesChanged(): Promise<void>;
}
