import type { Lab } from '../../config/lab.ts';
import { DeployError } from '../../errors/deploy-error.ts';
import type { CandidateObstacle } from '../../errors/operation-failure.ts';
import type { Member } from '../members.ts';

/** Who leads, and who is to. */
export interface Handover {
  readonly from: Member;
  /** Undefined leaves it to Patroni. */
  readonly to: Member | undefined;
}

/**
 * Refuses what Patroni would refuse, with more to say about it. Pure.
 *
 * @param given - the pod that is to lead; undefined leaves it to Patroni.
 * @throws DeployError
 */
export function handoverOf(all: readonly Member[], given: string | undefined, { cluster }: Lab): Handover {
  if (all.length === 0)
    throw new DeployError({ code: 'no-pods', what: 'database', namespace: cluster.namespace });
  const members = all.filter(({ isGoing }) => !isGoing);
  const primaries = members.filter(({ role }) => role === 'primary');
  const [from] = primaries;
  if (from === undefined || primaries.length > 1)
    throw new DeployError({
      code: 'no-single-primary',
      cluster: cluster.name,
      pods: primaries.map(({ pod }) => pod),
    });
  const able = members.filter((member) => obstacleOf(member, members, cluster.patroni) === undefined);
  const refuse = (why: CandidateObstacle) =>
    new DeployError({
      code: 'not-a-candidate',
      pod: given ?? '',
      why,
      candidates: able.map(({ pod }) => pod),
    });
  if (given === undefined) {
    if (able.length === 0) throw refuse('nobody');
    return { from, to: undefined };
  }
  const to = members.find(({ pod }) => pod === given);
  const why = to === undefined ? 'unknown' : obstacleOf(to, members, cluster.patroni);
  if (why !== undefined) throw refuse(why);
  return { from, to };
}

function obstacleOf(
  member: Member,
  members: readonly Member[],
  { synchronous, maximumLagBytes }: Lab['cluster']['patroni'],
): CandidateObstacle | undefined {
  if (member.role === 'primary') return 'is-primary';
  if (!member.isReady || member.role === 'unknown') return 'not-ready';
  // Only a standby that has confirmed everything may lead without a loss, while there is one.
  if (synchronous && !member.isSynchronous && members.some(({ isSynchronous }) => isSynchronous))
    return 'not-synchronous';
  return (member.lagBytes ?? 0) > maximumLagBytes ? 'behind' : undefined;
}
