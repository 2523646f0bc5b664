import type { Lab } from '../../config/lab.ts';
import type { TakeoverObstacle } from '../../errors/operation-failure.ts';
import type { KubeApi } from '../../kube/kube-api.ts';
import type { Pace } from '../../kube/pace.ts';
import type { PodChannels } from '../../kube/pod-channels.ts';
import type { Member } from '../members.ts';
import type { Handover } from './candidate.ts';
import { requestSwitchover } from './patroni.ts';
import { awaitTakeover } from './takeover.ts';

export interface SwitchoverContext {
  readonly kube: KubeApi;
  readonly pods: PodChannels;
  readonly lab: Lab;
  readonly pace: Pace;
  readonly signal: AbortSignal;
  /** Hears why nobody has taken over yet, when that changes. */
  readonly report: (obstacle: TakeoverObstacle) => void;
}

/**
 * Lets another member lead, in order: the primary stops, the other has everything, then it is promoted.
 *
 * @returns who leads now.
 * @throws DeployError where Patroni refuses or nobody takes over in time. After Ctrl-C Patroni goes on with it.
 */
export async function switchOver(context: SwitchoverContext, { from, to }: Handover): Promise<Member> {
  const { pods, lab, signal, report } = context;
  const { namespace } = lab.cluster;
  await requestSwitchover(pods, { namespace, pod: from.pod }, to?.pod, signal);
  return awaitTakeover(context, ({ pod }) => pod === from.pod, report);
}
