import type { Lab } from '../config/lab.ts';
import type { Wait } from '../errors/deploy-error.ts';
import { definitionOf } from '../kube/resource.ts';
import { chartReleases } from '../manifests/charts.ts';
import { serviceNames } from '../manifests/manifest.ts';
import type { ManifestStep } from '../manifests/manifest.ts';
import type { KubeKind } from '../manifests/schema/kinds.ts';

/** What is awaited after a step. */
export type StepWait = Exclude<Wait, { readonly for: 'gone' }>;

/** Kinds of the steps after the charts, whose definitions the charts bring. */
const FROM_CHARTS = ['IPAddressPool', 'L2Advertisement', 'postgresql'] as const;

/** What must be there before the next step may begin, in this order. */
export function waitsAfter(lab: Lab, { id, manifests }: ManifestStep): StepWait[] {
  const named = (kind: KubeKind) =>
    manifests.filter(({ object }) => object.kind === kind).map(({ object }) => object.metadata.name);
  if (id === 'charts')
    return [
      ...chartReleases(lab).map(({ name }) => ({ for: 'chart', name }) as const),
      ...FROM_CHARTS.map((kind) => ({ for: 'definition', name: definitionOf(kind) ?? kind }) as const),
    ];
  if (id === 'backup-share') return named('PersistentVolumeClaim').map((name) => ({ for: 'claim', name }));
  if (id === 'cluster') return [{ for: 'database', name: lab.cluster.name }, ...addresses(lab)];
  const { namespace } = lab.cluster;
  return id === 'helper-schema' ? named('Job').map((name) => ({ for: 'job', namespace, name })) : [];
}

function addresses(lab: Lab): StepWait[] {
  const services = serviceNames(lab);
  const pinned = lab.network.addresses;
  return (['master', 'replica', 'masterPooler', 'replicaPooler'] as const).map((role) => ({
    for: 'address',
    service: services[role],
    address: pinned[role],
  }));
}
