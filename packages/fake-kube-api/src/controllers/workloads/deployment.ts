import { at, recordsAt, stringsAt, type JsonObject } from '../../objects/json.ts';
import { nameOf, type KubeObject } from '../../objects/kube-object.ts';
import type { Cluster } from '../cluster.ts';
import { isReady, livingPods, namespaceOf, ownedBy, podFrom, replicasOf, templateHash } from './pods.ts';

export function reconcileDeployment(cluster: Cluster, deployment: KubeObject): void {
  if (deployment.metadata.deletionTimestamp !== undefined) return;
  const hash = templateHash(at(deployment, 'spec', 'template'));
  const name = `${nameOf(deployment)}-${hash}`;
  const labels = {
    ...stringsAt(deployment, 'spec', 'template', 'metadata', 'labels'),
    'pod-template-hash': hash,
  };
  const template = at(deployment, 'spec', 'template') as JsonObject;
  const replicas = replicasOf(deployment);
  cluster.ensure(
    {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: { name, ...namespaceOf(deployment), labels },
      spec: {
        replicas,
        selector: { matchLabels: labels },
        template: { ...template, metadata: { ...(template['metadata'] as JsonObject), labels } },
      },
    },
    deployment,
  );
  const sets = ownedBy(cluster, 'apps/v1', 'ReplicaSet', deployment);
  const current = sets.find((set) => nameOf(set) === name);
  if (current === undefined) return;
  if (replicasOf(current) !== replicas) cluster.patch(current, { spec: { replicas } });
  const ready = livingPods(cluster, current).filter(isReady).length;
  // The old pods go once the new ones are ready.
  if (ready >= replicas)
    for (const set of sets)
      if (set !== current && replicasOf(set) > 0) cluster.patch(set, { spec: { replicas: 0 } });
  const total = sets.reduce((sum, set) => sum + livingPods(cluster, set).length, 0);
  const isAvailable = ready >= replicas;
  cluster.status(deployment, {
    observedGeneration: deployment.metadata.generation,
    ...(total === 0 ? {} : { replicas: total }),
    ...(livingPods(cluster, current).length === 0
      ? {}
      : { updatedReplicas: livingPods(cluster, current).length }),
    ...(ready === 0 ? {} : { readyReplicas: ready, availableReplicas: ready }),
    ...(ready >= replicas ? {} : { unavailableReplicas: replicas - ready }),
    conditions: [
      keepTime(deployment, cluster, {
        type: 'Available',
        status: isAvailable ? 'True' : 'False',
        reason: isAvailable ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
      }),
      keepTime(deployment, cluster, {
        type: 'Progressing',
        status: 'True',
        reason: isAvailable ? 'NewReplicaSetAvailable' : 'ReplicaSetUpdated',
      }),
    ],
  });
}

/** A condition whose times move only when its status does. */
function keepTime(
  object: KubeObject,
  cluster: Cluster,
  condition: { type: string; status: string; reason: string },
): JsonObject {
  const before = recordsAt(object, 'status', 'conditions').find(({ type }) => type === condition.type);
  const isSame = before?.['status'] === condition.status && before['reason'] === condition.reason;
  const lastTransitionTime = isSame ? before['lastTransitionTime'] : cluster.now();
  return { ...condition, lastTransitionTime, lastUpdateTime: lastTransitionTime, message: condition.reason };
}

export function reconcileReplicaSet(cluster: Cluster, set: KubeObject): void {
  if (set.metadata.deletionTimestamp !== undefined) return;
  const replicas = replicasOf(set);
  const pods = livingPods(cluster, set);
  for (let index = 0, missing = replicas - pods.length; missing > 0; index += 1) {
    const name = `${nameOf(set)}-${index.toString(36).padStart(5, 'x')}`;
    if (cluster.get('v1', 'Pod', set.metadata.namespace ?? '', name) !== undefined) continue;
    cluster.ensure(podFrom(set, name, {}));
    missing -= 1;
  }
  for (const pod of pods.slice(replicas)) cluster.delete(pod);
  const ready = pods.filter(isReady).length;
  cluster.status(set, {
    replicas: Math.min(pods.length, replicas),
    observedGeneration: set.metadata.generation,
    ...(ready === 0 ? {} : { readyReplicas: ready, availableReplicas: ready }),
  });
}
