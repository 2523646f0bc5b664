import { parse } from 'yaml';
import type { Cluster } from '../controllers/cluster.ts';
import type { Controller } from '../controllers/controller.ts';
import { everything } from '../controllers/garbage-collector.ts';
import { templateHash } from '../controllers/workloads/pods.ts';
import { recordsAt, textAt, type JsonObject } from '../objects/json.ts';
import { nameOf, type KubeObject } from '../objects/kube-object.ts';
import type { Release } from './charts/chart.ts';
import { CHARTS } from './charts/charts.ts';
import type { LabFaults } from './lab-faults.ts';

const FINALIZER = 'wrangler.cattle.io/on-helm-chart-remove';
const HASH = 'helmcharts.helm.cattle.io/configHash';

export interface HelmOptions {
  readonly faults: LabFaults;
  /** From the end of the Job until the chart's objects are there. @defaultValue 0 */
  readonly installMs?: number;
}

/** K3s' Helm controller: a HelmChart becomes a Job, and what the Job installs. */
export function helmController({ faults, installMs = 0 }: HelmOptions): Controller {
  return {
    name: 'helm-controller',
    reconcile(cluster) {
      for (const chart of cluster.list('helm.cattle.io/v1', 'HelmChart')) {
        if (chart.metadata.deletionTimestamp !== undefined) uninstall(cluster, chart);
        else install(cluster, chart, faults, installMs);
      }
    },
  };
}

function install(cluster: Cluster, chart: KubeObject, faults: LabFaults, installMs: number): void {
  const finalizers = chart.metadata.finalizers ?? [];
  if (!finalizers.includes(FINALIZER))
    cluster.patch(chart, { metadata: { finalizers: [...finalizers, FINALIZER] } });
  const jobName = `helm-install-${nameOf(chart)}`;
  const hash = templateHash(chart['spec']);
  const namespace = chart.metadata.namespace ?? '';
  const job = cluster.get('batch/v1', 'Job', namespace, jobName);
  // A changed chart is installed by a new Job.
  if (job !== undefined && job.metadata.annotations?.[HASH] !== hash) return cluster.delete(job);
  cluster.ensure(installJob(jobName, namespace, hash, textAt(chart, 'spec', 'version') ?? ''), chart);
  const failure = reasonToFail(cluster, chart, faults);
  cluster.status(chart, {
    jobName,
    conditions: [
      {
        type: 'JobCreated',
        status: 'True',
        reason: 'Job created',
        message: `Applying HelmChart from ${textAt(chart, 'spec', 'chart') ?? 'chart content'} using Job ${namespace}/${jobName}`,
      },
      {
        type: 'Failed',
        status: failure === undefined ? 'False' : 'True',
        reason: failure === undefined ? '' : 'Install failed',
        message: failure ?? '',
      },
    ],
  });
  const isDone = recordsAt(job, 'status', 'conditions').some(
    ({ type, status }) => type === 'Complete' && status === 'True',
  );
  if (failure === undefined && isDone && cluster.hasPassed(`install ${job?.metadata.uid ?? ''}`, installMs))
    createObjects(cluster, chart, faults);
}

function installJob(name: string, namespace: string, hash: string, version: string): KubeObject {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, namespace, annotations: { [HASH]: hash } },
    spec: {
      backoffLimit: 1000,
      template: {
        spec: {
          restartPolicy: 'OnFailure',
          containers: [
            {
              name: 'helm',
              image: 'rancher/klipper-helm:v0.9.8',
              // As the real one has it among others, empty for a chart that is sent as content.
              env: [{ name: 'VERSION', value: version }],
            },
          ],
        },
      },
    },
  };
}

function reasonToFail(cluster: Cluster, chart: KubeObject, faults: LabFaults): string | undefined {
  const name = chartName(chart);
  if (faults.failingCharts.has(name))
    return `Error: INSTALLATION FAILED: chart ${JSON.stringify(name)} could not be installed`;
  if (CHARTS[name] === undefined)
    return `Error: INSTALLATION FAILED: chart ${JSON.stringify(name)} not found in ${textAt(chart, 'spec', 'repo') ?? 'its repository'}`;
  const target = releaseOf(chart).namespace;
  if (chart['spec'] !== undefined && (chart['spec'] as JsonObject)['createNamespace'] === true)
    return undefined;
  return cluster.get('v1', 'Namespace', '', target) === undefined
    ? `Error: INSTALLATION FAILED: namespaces ${JSON.stringify(target)} not found`
    : undefined;
}

/** A chart is named by the end of its reference; of one that is sent as content, the HelmChart's own name is all there is. */
function chartName(chart: KubeObject): string {
  return textAt(chart, 'spec', 'chart')?.split('/').at(-1) ?? nameOf(chart);
}

function releaseOf(chart: KubeObject): Release {
  const namespace = textAt(chart, 'spec', 'targetNamespace') ?? chart.metadata.namespace ?? 'default';
  return {
    name: nameOf(chart),
    namespace,
    values: parse(textAt(chart, 'spec', 'valuesContent') ?? '') as unknown,
  };
}

function createObjects(cluster: Cluster, chart: KubeObject, faults: LabFaults): void {
  const release = releaseOf(chart);
  const name = chartName(chart);
  cluster.ensure({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: release.namespace } });
  if (!faults.chartsWithoutDefinitions.has(name)) {
    for (const definition of CHARTS[name]?.definitions ?? []) cluster.ensure(definition as KubeObject);
  }
  for (const object of CHARTS[name]?.objects(release) ?? []) {
    cluster.ensure({
      ...object,
      metadata: {
        ...object.metadata,
        labels: { ...object.metadata.labels, 'app.kubernetes.io/managed-by': 'Helm' },
        annotations: releaseAnnotations(release),
      },
    });
  }
}

function releaseAnnotations({ name, namespace }: Release): Record<string, string> {
  return { 'meta.helm.sh/release-name': name, 'meta.helm.sh/release-namespace': namespace };
}

/** Takes the release's objects away, but no definitions, and lets the HelmChart go. */
function uninstall(cluster: Cluster, chart: KubeObject): void {
  const wanted = Object.entries(releaseAnnotations(releaseOf(chart)));
  for (const object of everything(cluster)) {
    const { annotations = {} } = object.metadata;
    if (wanted.every(([key, value]) => annotations[key] === value)) cluster.delete(object);
  }
  const finalizers = (chart.metadata.finalizers ?? []).filter((each) => each !== FINALIZER);
  cluster.patch(chart, { metadata: { finalizers } });
}
