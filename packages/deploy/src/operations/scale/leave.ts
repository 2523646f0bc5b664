/** Fewer members, without the primary being among those that go. */
import type { Lab } from '../../config/lab.ts';
import { DeployError } from '../../errors/deploy-error.ts';
import type { KubeApi } from '../../kube/kube-api.ts';
import type { Pace } from '../../kube/pace.ts';
import { readMembers } from '../members.ts';
import type { Member } from '../members.ts';
import { handoverOf } from '../switchover/candidate.ts';
import type { Handover } from '../switchover/candidate.ts';

/** A StatefulSet removes the pods with the highest numbers. */
export function goes({ pod }: Pick<Member, 'pod'>, instances: number): boolean {
  return Number(/\d+$/.exec(pod)?.[0] ?? 0) >= instances;
}

/**
 * The handover that has to come first; undefined where the primary stays anyway. Pure.
 *
 * @throws DeployError where none of those that stay can lead.
 */
export function handoverBefore(
  members: readonly Member[],
  instances: number,
  lab: Lab,
): Handover | undefined {
  const { from } = handoverOf(members, undefined, lab);
  if (!goes(from, instances)) return undefined;
  for (const { pod } of members.filter((each) => !goes(each, instances))) {
    try {
      return handoverOf(members, pod, lab);
    } catch (error) {
      if (!(error instanceof DeployError)) throw error;
    }
  }
  throw new DeployError({ code: 'primary-would-go', pod: from.pod, instances });
}

/** Until those that go are gone. */
export async function awaitGone(
  { kube, lab, pace }: { readonly kube: KubeApi; readonly lab: Lab; readonly pace: Pace },
  report: (pods: readonly string[]) => void,
): Promise<void> {
  const startedAt = performance.now();
  let told = '';
  for (;;) {
    const members = await readMembers(kube, lab);
    const pods = members.filter((each) => goes(each, lab.cluster.instances)).map(({ pod }) => pod);
    if (pods.length === 0) return;
    if (performance.now() - startedAt > pace.waitMs.database)
      throw new DeployError({
        code: 'members-stay',
        pods,
        seconds: Math.round(pace.waitMs.database / 1_000),
      });
    if (pods.join() !== told) report(pods);
    told = pods.join();
    await kube.pause(pace.pollMs);
  }
}
