import type { Lab } from '../../config/lab.ts';
import type { KubeApi } from '../../kube/kube-api.ts';
import { valueAt } from '../../kube/live-object.ts';
import type { LiveObject } from '../../kube/live-object.ts';
import {
  databaseLabels,
  METALLB_NAMESPACE,
  OPERATOR_NAMESPACE,
  poolerLabels,
} from '../../manifests/manifest.ts';
import { isLabelled } from '../members.ts';

/** What runs in a cluster, as the cluster says. */
export interface Versions {
  readonly kubernetes: string;
  readonly charts: readonly { readonly name: string; readonly version: string }[];
  /** Of MetalLB, the operator, the database and its poolers. */
  readonly images: readonly string[];
}

export async function readVersions(kube: KubeApi, lab: Lab): Promise<Versions> {
  const [kubernetes, charts, pods] = await Promise.all([
    kube.serverVersion(),
    kube.list('HelmChart', 'kube-system'),
    kube.list('Pod'),
  ]);
  const isOurs = (pod: LiveObject) =>
    pod.metadata.namespace === OPERATOR_NAMESPACE ||
    pod.metadata.namespace === METALLB_NAMESPACE ||
    isLabelled(pod, databaseLabels(lab)) ||
    isLabelled(pod, poolerLabels(lab));
  return {
    kubernetes,
    charts: charts.map((chart) => ({
      name: chart.metadata.name,
      // One whose file the HelmChart bears itself.
      version: textOf(valueAt(chart, 'spec', 'version')),
    })),
    images: [...new Set(pods.filter(isOurs).flatMap(imagesOf))].toSorted(),
  };
}

function imagesOf(pod: LiveObject): string[] {
  const containers = valueAt(pod, 'spec', 'containers');
  return Array.isArray(containers) ? containers.map((each) => textOf(valueAt(each, 'image'))) : [];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '-';
}
