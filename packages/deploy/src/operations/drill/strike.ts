/** What a drill does to the primary, in the middle of a load. */
import type { TakeoverObstacle } from '../../errors/operation-failure.ts';
import type { KubeApi } from '../../kube/kube-api.ts';
import type { Pace } from '../../kube/pace.ts';
import type { PodChannels } from '../../kube/pod-channels.ts';
import type { Lab } from '../../config/lab.ts';
import { readMembers } from '../members.ts';
import type { Member } from '../members.ts';
import { handoverOf } from '../switchover/candidate.ts';
import { requestSwitchover } from '../switchover/patroni.ts';
import { awaitTakeover } from '../switchover/takeover.ts';

export const DRILLS = ['switchover', 'pod-kill'] as const;
export type DrillName = (typeof DRILLS)[number];

/**
 * Not 0: the API server would then forget the pod before it has ended, and two could run under one name (Kubernetes
 * manual, "Force Delete StatefulSet Pods").
 */
const GRACE_SECONDS = 1;

export interface StrikeContext {
  readonly kube: KubeApi;
  readonly pods: PodChannels;
  readonly lab: Lab;
  readonly pace: Pace;
  readonly signal: AbortSignal;
  readonly onStruck: (pod: string) => void;
  readonly onObstacle: (obstacle: TakeoverObstacle) => void;
}

export interface Struck {
  readonly from: Member;
  readonly to: Member;
}

/** @returns once another pod leads. */
export async function strike(name: DrillName, context: StrikeContext): Promise<Struck> {
  const { kube, pods, lab, signal, onStruck, onObstacle } = context;
  const { namespace } = lab.cluster;
  const { from } = handoverOf(await readMembers(kube, lab), undefined, lab);
  onStruck(from.pod);
  if (name === 'switchover') await requestSwitchover(pods, { namespace, pod: from.pod }, undefined, signal);
  else
    await kube.delete(
      { kind: 'Pod', namespace, name: from.pod },
      { uid: from.uid },
      { gracePeriodSeconds: GRACE_SECONDS },
    );
  // A pod that comes back in time under its name may lead again: then that was the way out.
  const to = await awaitTakeover(context, ({ uid }) => uid === from.uid, onObstacle);
  return { from, to };
}
