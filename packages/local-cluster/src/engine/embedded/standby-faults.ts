import { ClusterError } from '../../errors.ts';
import type { FaultName, FaultOptions } from '../../faults/fault.ts';
import type { Announce, Effect } from '../engine.ts';
import { LAG_DEFAULTS } from '../lag-defaults.ts';
import type { Member } from './member.ts';
import type { ReplayDelays } from './replay-delays.ts';
import type { ReplicationLinks } from './replication-links.ts';

/** Who is there when a fault strikes standbys. */
export interface StandbyScene {
  members: readonly Member[];
  primary: Member;
}

/** Nothing gets through between standbys and whomever they follow, in either direction; nothing is closed. */
export async function cutReplication(
  scene: StandbyScene,
  { server }: FaultOptions,
  links: ReplicationLinks,
  announce: Announce,
): Promise<Effect> {
  const { standbys, covered } = chooseStandbys('cut-replication', scene, server);
  announce(namesOf(standbys).join(', '));
  const names = namesOf(covered);
  const heal = await links.cut((standby) => names.includes(standby));
  return {
    undo: async () => {
      await heal();
      for (const member of covered) member.wake();
    },
  };
}

/** Standbys replay late; they receive and confirm at once, so commits don't wait for it. */
export async function lag(
  scene: StandbyScene,
  { server, lagMs = LAG_DEFAULTS.lagMs }: FaultOptions,
  delays: ReplayDelays,
  announce: Announce,
): Promise<Effect> {
  const { standbys, covered } = chooseStandbys('lag', scene, server);
  announce(namesOf(standbys).join(', '), `by ${lagMs} ms`);
  const undo = await delays.add(covered, lagMs);
  return { undo };
}

/**
 * The standbys that are hit, and all that are covered: without a name whoever becomes a standby while
 * the fault is in force is hit as well, the present primary among them.
 */
function chooseStandbys(
  fault: FaultName,
  { members, primary }: StandbyScene,
  server: string | undefined,
): { standbys: readonly Member[]; covered: readonly Member[] } {
  const standbys = members.filter((member) => member !== primary);
  const known = namesOf(standbys).join(', ');
  if (standbys.length === 0) {
    throw new ClusterError('fault-failed', `${fault}: there is no standby; start with replicas of 1 or more`);
  }
  if (server === undefined) return { standbys, covered: members };
  const named = standbys.filter(({ name }) => name === server);
  if (named.length > 0) return { standbys: named, covered: named };
  throw new ClusterError(
    'fault-failed',
    server === primary.name
      ? `${fault}: ${server} is the primary right now (standbys: ${known})`
      : `${fault}: there is no server ${server} (standbys: ${known})`,
  );
}

function namesOf(members: readonly Member[]): string[] {
  return members.map(({ name }) => name);
}
