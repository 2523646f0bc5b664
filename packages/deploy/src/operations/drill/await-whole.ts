import { say } from '../../cli/cluster-texts.ts';
import type { Lab } from '../../config/lab.ts';
import { DeployError } from '../../errors/deploy-error.ts';
import type { NotWhole } from '../../errors/operation-failure.ts';
import type { KubeApi } from '../../kube/kube-api.ts';
import type { Pace } from '../../kube/pace.ts';
import { readMembers } from '../members.ts';
import type { Fault } from '../verify/check.ts';
import { judgeMembers } from '../verify/cluster-checks.ts';
import { VERIFY_TEXTS } from '../verify/texts.ts';

/**
 * Waits until all members are there, follow, and confirm.
 *
 * @param limitMs - 0 looks once.
 * @param report - hears why it is not whole yet, when that changes.
 * @throws DeployError when it takes longer; what the signal of `kube` was aborted with.
 */
export async function awaitWhole(
  { kube, lab, pace }: { readonly kube: KubeApi; readonly lab: Lab; readonly pace: Pace },
  limitMs: number,
  report: (reason: NotWhole) => void,
): Promise<void> {
  const startedAt = performance.now();
  let told = '';
  for (;;) {
    const members = await readMembers(kube, lab);
    // Nothing was applied, or it is another cluster: none of them will be whole soon.
    if (members.length === 0 && limitMs === 0)
      throw new DeployError({ code: 'no-pods', what: 'database', namespace: lab.cluster.namespace });
    const result = judgeMembers(members, lab);
    const unready = members.find(({ isReady, isGoing }) => !isReady || isGoing);
    if (result.state === 'ok' && unready === undefined) return;
    const reason = result.state === 'failed' ? wordsOf(result.fault) : notReady(unready?.pod ?? '');
    const passedMs = performance.now() - startedAt;
    if (passedMs >= limitMs)
      throw new DeployError({
        code: 'not-whole',
        cluster: lab.cluster.name,
        reason,
        seconds: limitMs === 0 ? 0 : Math.round(passedMs / 1_000),
      });
    if (reason.en !== told) report(reason);
    told = reason.en;
    await kube.pause(pace.pollMs);
  }
}

/** In both languages. */
export function wordsOf(fault: Fault): NotWhole {
  return { de: say(VERIFY_TEXTS.de.faults, 'is', fault), en: say(VERIFY_TEXTS.en.faults, 'is', fault) };
}

function notReady(pod: string): NotWhole {
  return { de: `Pod ${pod} ist nicht bereit`, en: `Pod ${pod} is not ready` };
}
