import { at, recordsAt, textAt } from '../../objects/json.ts';
import { nameOf, type KubeObject } from '../../objects/kube-object.ts';
import type { Cluster } from '../cluster.ts';
import { podFrom, templateHash } from './pods.ts';

export function reconcileJob(cluster: Cluster, job: KubeObject): void {
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
