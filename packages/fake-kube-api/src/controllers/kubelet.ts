import { recordsAt, textAt, type JsonObject } from '../objects/json.ts';
import { nameOf, type KubeObject } from '../objects/kube-object.ts';
import type { Cluster } from './cluster.ts';
import type { Controller } from './controller.ts';

export interface KubeletOptions {
  /** From the creation of a pod until it is ready, or done if it belongs to a Job. @defaultValue 0 */
  readonly podStartMs?: number;
  /** Pods that never become ready, by name. */
  readonly stuckPods?: (pod: KubeObject) => boolean;
}

/** Puts pods on nodes and runs them: ready after a while, gone when deleted, done at once if they belong to a Job. */
export function kubelet({ podStartMs = 0, stuckPods = () => false }: KubeletOptions = {}): Controller {
  return {
    name: 'kubelet',
    reconcile(cluster) {
      for (const pod of cluster.list('v1', 'Pod')) {
        if (pod.metadata.deletionTimestamp !== undefined) end(cluster, pod);
        else if (textAt(pod, 'spec', 'nodeName') === undefined) schedule(cluster, pod);
        else if (textAt(pod, 'status', 'phase') === 'Pending' && !stuckPods(pod)) {
          if (cluster.hasPassed(`start ${pod.metadata.uid ?? ''}`, podStartMs)) run(cluster, pod);
        }
      }
    },
  };
}

/** Stopping takes no time here. */
function end(cluster: Cluster, pod: KubeObject): void {
  if ((pod.metadata.deletionGracePeriodSeconds ?? 0) > 0) cluster.delete(pod, { gracePeriodSeconds: 0 });
}

/** As the scheduler does without being told: those of one owner apart from each other, and evenly otherwise. */
function schedule(cluster: Cluster, pod: KubeObject): void {
  const nodes = cluster.list('v1', 'Node').map(nameOf);
  const pods = cluster.list('v1', 'Pod');
  const owner = pod.metadata.ownerReferences?.[0]?.uid;
  const siblings = pods.filter(({ metadata }) => metadata.ownerReferences?.[0]?.uid === owner);
  const on = (those: readonly KubeObject[], node: string) =>
    those.filter((each) => textAt(each, 'spec', 'nodeName') === node).length;
  const [node] = nodes.sort(
    (left, right) => on(siblings, left) - on(siblings, right) || on(pods, left) - on(pods, right),
  );
  if (node !== undefined) cluster.patch(pod, { spec: { nodeName: node } });
}

function run(cluster: Cluster, pod: KubeObject): void {
  const startedAt = cluster.now();
  const isJob = pod.metadata.ownerReferences?.some(({ kind }) => kind === 'Job') === true;
  const index = Number(pod.metadata.resourceVersion ?? 0);
  const podIP = `10.42.${Math.floor(index / 250) % 250}.${(index % 250) + 1}`;
  const condition = (type: string, status: string) => ({ type, status, lastTransitionTime: startedAt });
  const ready = isJob ? 'False' : 'True';
  cluster.status(pod, {
    ...(pod['status'] as JsonObject),
    phase: isJob ? 'Succeeded' : 'Running',
    podIP,
    podIPs: [{ ip: podIP }],
    startTime: startedAt,
    conditions: [
      condition('Initialized', 'True'),
      condition('Ready', ready),
      condition('ContainersReady', ready),
      condition('PodScheduled', 'True'),
    ],
    containerStatuses: recordsAt(pod, 'spec', 'containers').map(({ name, image = '' }) => ({
      name,
      image,
      imageID: '',
      ready: !isJob,
      restartCount: 0,
      started: !isJob,
      state: isJob
        ? { terminated: { exitCode: 0, reason: 'Completed', startedAt, finishedAt: startedAt } }
        : { running: { startedAt } },
    })),
  });
}
