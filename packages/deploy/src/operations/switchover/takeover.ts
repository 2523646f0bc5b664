import type { Lab } from '../../config/lab.ts';
import { DeployError } from '../../errors/deploy-error.ts';
import type { TakeoverObstacle } from '../../errors/operation-failure.ts';
import type { KubeApi } from '../../kube/kube-api.ts';
import type { Pace } from '../../kube/pace.ts';
import { readMembers } from '../members.ts';
import type { Member } from '../members.ts';

/**
 * Waits until another member leads: the pod's label, which the master address follows.
 *
 * @param isOld - whether it is the one that led before.
 * @param report - hears why it is not there yet, when that changes.
 * @throws DeployError when it takes too long; what the signal of `kube` was aborted with.
 */
export async function awaitTakeover(
  { kube, lab, pace }: { readonly kube: KubeApi; readonly lab: Lab; readonly pace: Pace },
  isOld: (member: Member) => boolean,
  report: (obstacle: TakeoverObstacle) => void,
): Promise<Member> {
  const startedAt = performance.now();
  let told = '';
  for (;;) {
    const primaries = (await readMembers(kube, lab)).filter(
      ({ role, isGoing }) => role === 'primary' && !isGoing,
    );
    const { leader, obstacle } = judge(primaries, isOld);
    if (obstacle === undefined) return leader;
    if (performance.now() - startedAt > pace.takeoverMs)
      throw new DeployError({
        code: 'nobody-took-over',
        cluster: lab.cluster.name,
        obstacle,
        seconds: Math.round(pace.takeoverMs / 1_000),
      });
    const text = JSON.stringify(obstacle);
    if (text !== told) report(obstacle);
    told = text;
    await kube.pause(pace.pollMs);
  }
}

type Judged =
  | { readonly leader: Member; readonly obstacle: undefined }
  | { readonly leader: undefined; readonly obstacle: TakeoverObstacle };

function judge(primaries: readonly Member[], isOld: (member: Member) => boolean): Judged {
  const not = (obstacle: TakeoverObstacle): Judged => ({ leader: undefined, obstacle });
  const [first] = primaries;
  if (first === undefined) return not({ is: 'nobody-leads' });
  if (primaries.length > 1) return not({ is: 'several-lead', pods: primaries.map(({ pod }) => pod) });
  if (isOld(first)) return not({ is: 'old-leads', pod: first.pod });
  return first.isReady
    ? { leader: first, obstacle: undefined }
    : not({ is: 'leader-not-ready', pod: first.pod });
}
