import type { Lab } from '../config/lab.ts';
import type { Obstacle } from '../errors/deploy-error.ts';
import type { KubeApi } from '../kube/kube-api.ts';
import { conditionOf, valueAt } from '../kube/live-object.ts';
import type { LiveObject } from '../kube/live-object.ts';
import { resourceText } from '../kube/resource.ts';
import type { Resource, ResourceKind } from '../kube/resource.ts';
import { chartReleases } from '../manifests/charts.ts';
import type { StepWait } from './waits.ts';

/** HelmCharts and the Jobs that install them. */
const HELM_NAMESPACE = 'kube-system';
const RELEASE_ANNOTATION = 'meta.helm.sh/release-name';

/** Jobs, by their uid, that have installed a chart as it was before this run changed it. */
export type OldJobs = ReadonlySet<string>;

export function installJob(chart: string): Resource {
  return { kind: 'Job', namespace: HELM_NAMESPACE, name: `helm-install-${chart}` };
}

/** Why what is awaited is not there; undefined once it is. Reads only. */
export async function obstacleTo(
  kube: KubeApi,
  lab: Lab,
  wait: StepWait,
  oldJobs: OldJobs,
): Promise<Obstacle | undefined> {
  const { namespace } = lab.cluster;
  if (wait.for === 'chart') return obstacleToChart(kube, lab, wait.name, oldJobs);
  if (wait.for === 'database') return obstacleToDatabase(kube, lab);
  if (wait.for === 'definition')
    return look(kube, { kind: 'CustomResourceDefinition', name: wait.name }, (found, resource) =>
      conditionOf(found, 'Established')?.status === 'True' ? undefined : { is: 'not-established', resource },
    );
  if (wait.for === 'claim')
    return look(kube, { kind: 'PersistentVolumeClaim', namespace, name: wait.name }, phaseIs('Bound'));
  if (wait.for === 'job')
    return look(kube, { kind: 'Job', namespace: wait.namespace, name: wait.name }, obstacleInJob);
  return look(kube, { kind: 'Service', namespace, name: wait.service }, (found, resource) => {
    const address = valueAt(found, 'status', 'loadBalancer', 'ingress', 0, 'ip');
    if (typeof address !== 'string') return { is: 'no-address', resource };
    return address === wait.address ? undefined : { is: 'other-address', resource, address };
  });
}

/** The Job, then what the chart runs: a HelmChart alone says nothing about either. */
async function obstacleToChart(
  kube: KubeApi,
  lab: Lab,
  name: string,
  oldJobs: OldJobs,
): Promise<Obstacle | undefined> {
  const chart = { kind: 'HelmChart', namespace: HELM_NAMESPACE, name } as const;
  let version: unknown;
  const failed = await look(kube, chart, (found, resource) => {
    version = valueAt(found, 'spec', 'version');
    const failure = conditionOf(found, 'Failed');
    if (failure?.status !== 'True') return undefined;
    return { is: 'failed', resource, message: failure.message ?? failure.reason ?? '' };
  });
  const installing =
    failed ??
    (await look(kube, installJob(name), (found, resource) =>
      oldJobs.has(found.metadata.uid ?? '') || installsOther(found, version)
        ? { is: 'not-replaced', resource }
        : obstacleInJob(found, resource),
    ));
  if (installing !== undefined) return installing;
  const target = chartReleases(lab).find((each) => each.name === name)?.namespace ?? HELM_NAMESPACE;
  for (const deployment of await kube.list('Deployment', target)) {
    if (deployment.metadata.annotations?.[RELEASE_ANNOTATION] !== name) continue;
    const obstacle = notReady('Deployment', deployment, 'availableReplicas');
    if (obstacle !== undefined) return obstacle;
  }
  for (const set of await kube.list('DaemonSet', target)) {
    if (set.metadata.annotations?.[RELEASE_ANNOTATION] !== name) continue;
    const obstacle = await obstacleInDaemonSet(kube, set);
    if (obstacle !== undefined) return obstacle;
  }
  return undefined;
}

/**
 * A run that was killed has left nothing by which the Job before could be known, but the Job says which version it installs
 * (helm-controller, pkg/controllers/chart: VERSION). For a chart that was sent as content it says none.
 */
function installsOther(job: LiveObject, version: unknown): boolean {
  const variables = valueAt(job, 'spec', 'template', 'spec', 'containers', 0, 'env');
  if (!Array.isArray(variables) || typeof version !== 'string') return false;
  const installed = variables.find((each) => valueAt(each, 'name') === 'VERSION');
  return installed !== undefined && (valueAt(installed, 'value') ?? '') !== version;
}

/** On each node that is ready: one that is down holds up nobody who mends the rest. */
async function obstacleInDaemonSet(kube: KubeApi, set: LiveObject): Promise<Obstacle | undefined> {
  const nodes = await kube.list('Node');
  const running = nodes.filter((node) => conditionOf(node, 'Ready')?.status === 'True').length;
  // Before its controller has looked at it, it says that it wants none.
  const isSeen = numberAt(set, 'status', 'observedGeneration') >= (set.metadata.generation ?? 1);
  const wanted = isSeen ? Math.min(running, numberAt(set, 'status', 'desiredNumberScheduled')) : running;
  const ready = isSeen ? numberAt(set, 'status', 'numberReady') : 0;
  if (ready >= wanted) return undefined;
  const { namespace, name } = set.metadata;
  return { is: 'not-ready', resource: resourceText({ kind: 'DaemonSet', namespace, name }), ready, wanted };
}

/** What the operator says, and then the pods themselves: its status has no conditions, and is late. */
async function obstacleToDatabase(kube: KubeApi, { cluster }: Lab): Promise<Obstacle | undefined> {
  const { namespace, name, instances } = cluster;
  const status = await look(kube, { kind: 'postgresql', namespace, name }, (found, resource) => {
    const said = valueAt(found, 'status', 'PostgresClusterStatus');
    if (said === 'Running') return undefined;
    return { is: 'status', resource, status: typeof said === 'string' && said !== '' ? said : '-' };
  });
  if (status !== undefined) return status;
  return look(kube, { kind: 'StatefulSet', namespace, name }, (found, resource) => {
    const ready = numberAt(found, 'status', 'readyReplicas');
    return ready >= instances ? undefined : { is: 'not-ready', resource, ready, wanted: instances };
  });
}

/** All pods that a Deployment asks for are there and answer. */
export function obstacleToDeployment(
  kube: KubeApi,
  namespace: string,
  name: string,
): Promise<Obstacle | undefined> {
  return look(kube, { kind: 'Deployment', namespace, name }, (found) =>
    notReady('Deployment', found, 'availableReplicas'),
  );
}

async function look(
  kube: KubeApi,
  resource: Resource,
  judge: (found: LiveObject, resource: string) => Obstacle | undefined,
): Promise<Obstacle | undefined> {
  const observed = await kube.get(resource);
  const text = resourceText(resource);
  return observed.state === 'found' ? judge(observed.object, text) : { is: 'absent', resource: text };
}

function obstacleInJob(job: LiveObject, resource: string): Obstacle | undefined {
  if (conditionOf(job, 'Complete')?.status === 'True') return undefined;
  const failure = conditionOf(job, 'Failed');
  if (failure?.status === 'True')
    return { is: 'failed', resource, message: failure.message ?? failure.reason ?? '' };
  return { is: 'running', resource, failures: numberAt(job, 'status', 'failed') };
}

function phaseIs(wanted: string) {
  return (found: LiveObject, resource: string): Obstacle | undefined => {
    const phase = valueAt(found, 'status', 'phase');
    if (phase === wanted) return undefined;
    return { is: 'status', resource, status: typeof phase === 'string' ? phase : '-' };
  };
}

function notReady(kind: ResourceKind, found: LiveObject, field: string): Obstacle | undefined {
  const { namespace, name } = found.metadata;
  const wanted = numberAt(found, 'spec', 'replicas');
  const ready = numberAt(found, 'status', field);
  if (ready >= wanted) return undefined;
  return { is: 'not-ready', resource: resourceText({ kind, namespace, name }), ready, wanted };
}

function numberAt(object: unknown, ...path: string[]): number {
  const value = valueAt(object, ...path);
  return typeof value === 'number' ? value : 0;
}
