import { nameOf, type KubeObject } from '../../objects/kube-object.ts';
import type { Cluster } from '../cluster.ts';
import { isReady, livingPods, podFrom, templateHash } from './pods.ts';

export function reconcileDaemonSet(cluster: Cluster, set: KubeObject): void {
  if (set.metadata.deletionTimestamp !== undefined) return;
  const nodes = cluster.list('v1', 'Node').map(nameOf);
  for (const node of nodes) {
    cluster.ensure(podFrom(set, `${nameOf(set)}-${templateHash(node).slice(0, 5)}`, {}, { nodeName: node }));
  }
  const pods = livingPods(cluster, set);
  const ready = pods.filter(isReady).length;
  cluster.status(set, {
    observedGeneration: set.metadata.generation,
    currentNumberScheduled: pods.length,
    desiredNumberScheduled: nodes.length,
    numberMisscheduled: 0,
    numberReady: ready,
    ...(ready === 0 ? {} : { numberAvailable: ready, updatedNumberScheduled: pods.length }),
  });
}
