import type { Lab } from '../../config/lab.ts';
import type { NotWhole, SendersObstacle, TakeoverObstacle } from '../../errors/operation-failure.ts';
import type { KubeApi } from '../../kube/kube-api.ts';
import type { Pace } from '../../kube/pace.ts';
import type { PodChannels } from '../../kube/pod-channels.ts';
import type { ClusterLock } from '../../lock/cluster-lock.ts';
import { postgresql } from '../../manifests/postgresql.ts';
import { runSteps } from '../../steps/run-steps.ts';
import type { Progress } from '../../steps/run-steps.ts';
import type { Credentials } from '../credentials/credentials.ts';
import { awaitWhole } from '../drill/await-whole.ts';
import { readMembers } from '../members.ts';
import type { Reach } from '../reach.ts';
import { switchOver } from '../switchover/switchover.ts';
import { openClients } from '../verify/database-clients.ts';
import { awaitSenders } from './await-senders.ts';
import { awaitGone, handoverBefore } from './leave.ts';
import { noFiller } from './no-filler.ts';

export interface ScaleContext {
  readonly kube: KubeApi;
  readonly pods: PodChannels;
  /** With the new number of instances. */
  readonly lab: Lab;
  readonly pace: Pace;
  readonly reach: Reach;
  readonly signal: AbortSignal;
  readonly lock: Pick<ClusterLock, 'hold'>;
  readonly credentials: Credentials;
  /** How many instances the cluster is to have by now. */
  readonly live: number;
  readonly report: (event: ScaleEvent) => void;
}

/** Facts, as they happen. */
export type ScaleEvent =
  | { readonly type: 'senders:waiting'; readonly obstacle: SendersObstacle }
  | { readonly type: 'senders:there'; readonly senders: number }
  | { readonly type: 'handover:begun'; readonly from: string; readonly to: string }
  | { readonly type: 'handover:waiting'; readonly obstacle: TakeoverObstacle }
  | { readonly type: 'members:changing'; readonly from: number; readonly to: number }
  | { readonly type: 'members:leaving'; readonly pods: readonly string[] }
  | { readonly type: 'whole:waiting'; readonly reason: NotWhole }
  | { readonly type: 'volumes:kept'; readonly claims: readonly string[] };

/**
 * Brings the cluster to the lab's number of instances. Each part looks at what is there first, so that a run which was
 * stopped is resumed by running it again.
 *
 * @throws DeployError; what the signal was aborted with.
 */
export async function scaleCluster(context: ScaleContext): Promise<void> {
  const { kube, lab, pace, live, report } = context;
  const { instances } = lab.cluster;
  if (instances < live) await prepareToShrink(context);
  else await prepareToGrow(context);
  report({ type: 'members:changing', from: live, to: instances });
  await applyCluster(context, lab);
  await awaitGone(context, (pods) => report({ type: 'members:leaving', pods }));
  await awaitWhole({ kube, lab, pace }, pace.waitMs.database, (reason) =>
    report({ type: 'whole:waiting', reason }),
  );
  const claims = Array.from(
    { length: Math.max(0, live - instances) },
    (_, n) => `pgdata-${lab.cluster.name}-${instances + n}`,
  );
  if (claims.length > 0) report({ type: 'volumes:kept', claims });
}

/** The settings with the old number of members, which are restarted with them; new ones would be turned away before. */
async function prepareToGrow(context: ScaleContext): Promise<void> {
  const { lab, live, credentials, reach, pace, report } = context;
  await applyCluster(context, { ...lab, cluster: { ...lab.cluster, instances: live } });
  const clients = openClients(credentials, reach, pace.databaseMs);
  try {
    await awaitSenders({ ...context, db: clients.direct }, (obstacle) =>
      report({ type: 'senders:waiting', obstacle }),
    );
    report({ type: 'senders:there', senders: lab.cluster.parameters.max_wal_senders });
  } finally {
    await clients.close();
  }
}

/** Those that stay must have everything, and lead, before others go. */
async function prepareToShrink(context: ScaleContext): Promise<void> {
  const { kube, lab, pace, report } = context;
  await awaitWhole({ kube, lab, pace }, pace.waitMs.database, (reason) =>
    report({ type: 'whole:waiting', reason }),
  );
  const handover = handoverBefore(await readMembers(kube, lab), lab.cluster.instances, lab);
  if (handover === undefined) return;
  report({ type: 'handover:begun', from: handover.from.pod, to: handover.to?.pod ?? '' });
  await switchOver(
    { ...context, report: (obstacle) => report({ type: 'handover:waiting', obstacle }) },
    handover,
  );
}

/** Written only where it differs, and awaited. */
async function applyCluster(context: ScaleContext, lab: Lab): Promise<void> {
  const { kube, pace, lock, report } = context;
  const heard = (progress: Progress): void => {
    if (progress.type !== 'obstacle:seen' || progress.obstacle.is !== 'not-ready') return;
    const { resource, ready, wanted } = progress.obstacle;
    report({
      type: 'whole:waiting',
      reason: {
        de: `${resource} hat ${ready} von ${wanted} Pods bereit`,
        en: `${resource} has ${ready} of ${wanted} pods ready`,
      },
    });
  };
  await runSteps(
    { kube, lab, pace, lock, forced: new Set(), newFiller: () => noFiller(lab), report: heard },
    [{ id: 'cluster', manifests: [postgresql(lab)] }],
  );
}
