import { at, recordsAt, stringsAt, textAt } from '../../objects/json.ts';
import { nameOf, type KubeObject } from '../../objects/kube-object.ts';
import type { Cluster } from '../cluster.ts';
import { isReady, namespaceOf, ownedBy, podFrom, replicasOf, templateHash } from './pods.ts';

export function reconcileStatefulSet(cluster: Cluster, set: KubeObject): void {
  if (set.metadata.deletionTimestamp !== undefined) return;
  const replicas = replicasOf(set);
  const name = nameOf(set);
  const revision = `${name}-${templateHash(at(set, 'spec', 'template'))}`;
  const pods = ownedBy(cluster, 'v1', 'Pod', set);
  const isParallel = textAt(set, 'spec', 'podManagementPolicy') === 'Parallel';
  for (let index = 0; index < replicas; index += 1) {
    const pod = pods.find((each) => nameOf(each) === `${name}-${index}`);
    if (pod === undefined) createOrdinal(cluster, set, index, revision);
    if (!isParallel && (pod === undefined || !isReady(pod))) break;
  }
  for (const pod of pods) {
    const isBeyond = Number(/\d+$/.exec(nameOf(pod))?.[0]) >= replicas;
    if (isBeyond && pod.metadata.deletionTimestamp === undefined) cluster.delete(pod);
  }
  updateOnePod(cluster, set, pods, revision);
  const living = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const ready = living.filter(isReady).length;
  const updated = living.filter(
    (pod) => pod.metadata.labels?.['controller-revision-hash'] === revision,
  ).length;
  cluster.status(set, {
    observedGeneration: set.metadata.generation,
    replicas: living.length,
    ...(ready === 0 ? {} : { readyReplicas: ready }),
    availableReplicas: ready,
    currentReplicas: updated,
    updatedReplicas: updated,
    currentRevision: revision,
    updateRevision: revision,
    collisionCount: 0,
  });
}

function createOrdinal(cluster: Cluster, set: KubeObject, index: number, revision: string): void {
  const name = `${nameOf(set)}-${index}`;
  const claims = recordsAt(set, 'spec', 'volumeClaimTemplates');
  const volumes = claims.map((claim) => {
    const claimName = textAt(claim, 'metadata', 'name') ?? 'data';
    cluster.ensure({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: {
        name: `${claimName}-${name}`,
        ...namespaceOf(set),
        labels: stringsAt(set, 'spec', 'selector', 'matchLabels'),
      },
      spec: claim['spec'],
    });
    return { name: claimName, persistentVolumeClaim: { claimName: `${claimName}-${name}` } };
  });
  const labels = {
    'controller-revision-hash': revision,
    'statefulset.kubernetes.io/pod-name': name,
    'apps.kubernetes.io/pod-index': String(index),
  };
  const others = recordsAt(set, 'spec', 'template', 'spec', 'volumes');
  cluster.ensure(
    podFrom(set, name, labels, {
      hostname: name,
      ...(volumes.length + others.length === 0 ? {} : { volumes: [...volumes, ...others] }),
    }),
  );
}

/** A rolling update replaces pods from the last to the first, each once all others are ready. */
function updateOnePod(
  cluster: Cluster,
  set: KubeObject,
  pods: readonly KubeObject[],
  revision: string,
): void {
  if (textAt(set, 'spec', 'updateStrategy', 'type') !== 'RollingUpdate' || !pods.every(isReady)) return;
  const old = pods.filter((pod) => pod.metadata.labels?.['controller-revision-hash'] !== revision);
  const last = old
    .sort((left, right) => nameOf(left).localeCompare(nameOf(right), 'en', { numeric: true }))
    .at(-1);
  if (last !== undefined && last.metadata.deletionTimestamp === undefined) cluster.delete(last);
}
