import { createHash } from 'node:crypto';
import {
  at,
  canonical,
  isRecord,
  numberAt,
  recordsAt,
  stringsAt,
  textAt,
  type JsonObject,
} from '../objects/json.ts';
import { controllerReference, nameOf, type KubeObject } from '../objects/kube-object.ts';
import type { Cluster } from './cluster.ts';
import type { Controller } from './controller.ts';

/** Makes the pods that workloads ask for, and tells in their status how many are ready. */
export const workloads: Controller = {
  name: 'kube-controller-manager',
  reconcile(cluster) {
    for (const each of cluster.list('apps/v1', 'Deployment')) reconcileDeployment(cluster, each);
    for (const each of cluster.list('apps/v1', 'ReplicaSet')) reconcileReplicaSet(cluster, each);
    for (const each of cluster.list('apps/v1', 'StatefulSet')) reconcileStatefulSet(cluster, each);
    for (const each of cluster.list('apps/v1', 'DaemonSet')) reconcileDaemonSet(cluster, each);
    for (const each of cluster.list('batch/v1', 'Job')) reconcileJob(cluster, each);
  },
};

export function isReady(pod: KubeObject): boolean {
  return recordsAt(pod, 'status', 'conditions').some(
    ({ type, status }) => type === 'Ready' && status === 'True',
  );
}

function replicasOf(object: KubeObject): number {
  return numberAt(object, 'spec', 'replicas') ?? 1;
}

export function ownedBy(cluster: Cluster, apiVersion: string, kind: string, owner: KubeObject): KubeObject[] {
  const all = cluster.list(apiVersion, kind, owner.metadata.namespace);
  return all.filter(
    ({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === owner.metadata.uid) === true,
  );
}

function livingPods(cluster: Cluster, owner: KubeObject): KubeObject[] {
  return ownedBy(cluster, 'v1', 'Pod', owner).filter(
    ({ metadata }) => metadata.deletionTimestamp === undefined,
  );
}

export function templateHash(template: unknown): string {
  return createHash('sha256').update(canonical(template)).digest('hex').slice(0, 10);
}

function podFrom(
  owner: KubeObject,
  name: string,
  labels: Record<string, string>,
  more: JsonObject = {},
): KubeObject {
  const template = at(owner, 'spec', 'template');
  const annotations = stringsAt(template, 'metadata', 'annotations');
  const spec = at(template, 'spec');
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      ...(owner.metadata.namespace === undefined ? {} : { namespace: owner.metadata.namespace }),
      labels: { ...stringsAt(template, 'metadata', 'labels'), ...labels },
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
      ownerReferences: [controllerReference(owner)],
    },
    spec: { ...(isRecord(spec) ? spec : {}), ...more },
  };
}

function reconcileDeployment(cluster: Cluster, deployment: KubeObject): void {
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

function namespaceOf({ metadata }: KubeObject): { namespace?: string } {
  return metadata.namespace === undefined ? {} : { namespace: metadata.namespace };
}

function reconcileReplicaSet(cluster: Cluster, set: KubeObject): void {
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

function reconcileStatefulSet(cluster: Cluster, set: KubeObject): void {
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

function reconcileDaemonSet(cluster: Cluster, set: KubeObject): void {
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

function reconcileJob(cluster: Cluster, job: KubeObject): void {
  const isOver = recordsAt(job, 'status', 'conditions').some(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  );
  if (isOver || job.metadata.deletionTimestamp !== undefined || at(job, 'spec', 'suspend') === true) return;
  const name = `${nameOf(job)}-${templateHash(job.metadata.uid).slice(0, 5)}`;
  cluster.ensure(podFrom(job, name, {}));
  const pod = cluster.get('v1', 'Pod', job.metadata.namespace ?? '', name);
  const startTime = textAt(job, 'status', 'startTime') ?? cluster.now();
  if (textAt(pod, 'status', 'phase') !== 'Succeeded') {
    cluster.status(job, { startTime, active: 1, ready: 0, terminating: 0 });
    return;
  }
  const time = { lastProbeTime: cluster.now(), lastTransitionTime: cluster.now() };
  const done = {
    status: 'True',
    reason: 'CompletionsReached',
    message: 'Reached expected number of succeeded pods',
    ...time,
  };
  cluster.status(job, {
    startTime,
    completionTime: cluster.now(),
    succeeded: 1,
    ready: 0,
    terminating: 0,
    conditions: [
      { type: 'SuccessCriteriaMet', ...done },
      { type: 'Complete', ...done },
    ],
  });
}
