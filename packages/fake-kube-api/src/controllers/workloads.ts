import type { Controller } from './controller.ts';
import { reconcileDaemonSet } from './workloads/daemon-set.ts';
import { reconcileDeployment, reconcileReplicaSet } from './workloads/deployment.ts';
import { reconcileJob } from './workloads/job.ts';
import { reconcileStatefulSet } from './workloads/stateful-set.ts';

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
