import type { Lab } from '../config/lab.ts';
import { KubeRefusal } from '../errors/kube-refusal.ts';
import type { KubeApi } from '../kube/kube-api.ts';
import type { Pace } from '../kube/pace.ts';
import { resourceText } from '../kube/resource.ts';
import type { Resource } from '../kube/resource.ts';
import type { ClusterLock } from '../lock/cluster-lock.ts';
import { DELETE_DATE_ANNOTATION, DELETE_NAME_ANNOTATION } from '../manifests/charts.ts';
import { serviceNames } from '../manifests/manifest.ts';
import { waitUntil } from '../steps/wait-until.ts';
import type { ObstacleSeen } from '../steps/wait-until.ts';
import type { Fate } from './fate.ts';

export interface DestroyRun {
  readonly kube: KubeApi;
  readonly lab: Lab;
  readonly pace: Pace;
  readonly lock: Pick<ClusterLock, 'hold'>;
  readonly report: (
    progress: ObstacleSeen | { readonly type: 'object:gone'; readonly resource: string },
  ) => void;
}

/**
 * Deletes what is to go, one after the other, each awaited before the next: the operator has to clear up behind the
 * database while it still runs, Helm behind its charts. Safe to stop and to run again.
 *
 * @throws DeployError that names what does not go, and what holds it.
 */
export async function runDestroy(run: DestroyRun, fates: readonly Fate[]): Promise<void> {
  for (const { resource, object, ...fate } of fates) {
    if (!fate.goes) continue;
    await run.lock.hold();
    if (resource.kind === 'postgresql') await announce(run, resource);
    await deleteSeen(run.kube, resource, object.metadata.uid);
    await untilGone(run, resource);
    if (resource.kind === 'postgresql')
      for (const each of operatorsObjects(run.lab)) await untilGone(run, each);
    run.report({ type: 'object:gone', resource: resourceText(resource) });
  }
}

/** As our chart values tell the operator, it takes a deletion without these for a mistake. */
async function announce({ kube, lab }: DestroyRun, resource: Resource): Promise<void> {
  const annotations = {
    [DELETE_NAME_ANNOTATION]: lab.cluster.name,
    [DELETE_DATE_ANNOTATION]: new Date(kube.now()).toISOString().slice(0, 10),
  };
  try {
    await kube.merge(resource, { metadata: { annotations } });
  } catch (error) {
    // Gone meanwhile.
    if (!(error instanceof KubeRefusal) || error.details.status !== 404) throw error;
  }
}

async function deleteSeen(kube: KubeApi, resource: Resource, uid: string | undefined): Promise<void> {
  try {
    await kube.delete(resource, { uid });
  } catch (error) {
    // Another by its name by now: it is what we wait for that tells.
    if (!(error instanceof KubeRefusal) || error.details.status !== 409) throw error;
  }
}

async function untilGone(run: DestroyRun, resource: Resource): Promise<void> {
  const text = resourceText(resource);
  await waitUntil(run, { for: 'gone', resource: text }, async () => {
    const observed = await run.kube.get(resource);
    if (observed.state !== 'found') return undefined;
    return { is: 'ending', resource: text, heldBy: observed.object.metadata.finalizers ?? [] };
  });
}

/** What the operator has made, and has to take away again. */
function operatorsObjects(lab: Lab): Resource[] {
  const { namespace, name } = lab.cluster;
  const services = Object.values(serviceNames(lab));
  return [
    { kind: 'StatefulSet', namespace, name },
    ...services.map((service): Resource => ({ kind: 'Service', namespace, name: service })),
  ];
}
