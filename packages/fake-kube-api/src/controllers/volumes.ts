import { at, textAt } from '../objects/json.ts';
import { nameOf } from '../objects/kube-object.ts';
import type { Cluster } from './cluster.ts';
import type { Controller } from './controller.ts';

/** Binds claims: to the volume they name, or to one that is made for them once a pod uses them. */
export const volumes: Controller = {
  name: 'volume-binder',
  reconcile(cluster) {
    for (const volume of cluster.list('v1', 'PersistentVolume')) {
      if (textAt(volume, 'status', 'phase') === 'Pending') cluster.status(volume, { phase: 'Available' });
    }
    for (const claim of cluster.list('v1', 'PersistentVolumeClaim')) {
      if (textAt(claim, 'status', 'phase') === 'Bound' || claim.metadata.deletionTimestamp !== undefined)
        continue;
      const named = textAt(claim, 'spec', 'volumeName');
      const name = named ?? `pvc-${claim.metadata.uid ?? ''}`;
      if (named === undefined && !provision(cluster, claim, name)) continue;
      const volume = cluster.get('v1', 'PersistentVolume', '', name);
      if (volume === undefined) continue;
      const { namespace, uid } = claim.metadata;
      if (textAt(volume, 'spec', 'claimRef', 'uid') !== uid) {
        cluster.patch(volume, {
          spec: {
            claimRef: {
              apiVersion: 'v1',
              kind: 'PersistentVolumeClaim',
              name: nameOf(claim),
              namespace,
              uid,
            },
          },
        });
      }
      cluster.status(volume, { phase: 'Bound' });
      cluster.patch(claim, { spec: { volumeName: name } });
      cluster.status(claim, {
        phase: 'Bound',
        accessModes: at(claim, 'spec', 'accessModes'),
        capacity: at(volume, 'spec', 'capacity'),
      });
    }
  },
};

/** @returns whether there is a volume now. */
function provision(cluster: Cluster, claim: Parameters<typeof nameOf>[0], name: string): boolean {
  const className = textAt(claim, 'spec', 'storageClassName') ?? '';
  const storageClass = cluster.get('storage.k8s.io/v1', 'StorageClass', '', className);
  if (storageClass === undefined) return false;
  const isUsed = cluster
    .list('v1', 'Pod', claim.metadata.namespace)
    .some((pod) =>
      JSON.stringify(at(pod, 'spec', 'volumes') ?? []).includes(`"claimName":"${nameOf(claim)}"`),
    );
  if (textAt(storageClass, 'volumeBindingMode') === 'WaitForFirstConsumer' && !isUsed) return false;
  cluster.ensure({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name },
    spec: {
      accessModes: at(claim, 'spec', 'accessModes'),
      capacity: { storage: textAt(claim, 'spec', 'resources', 'requests', 'storage') ?? '1Gi' },
      persistentVolumeReclaimPolicy: textAt(storageClass, 'reclaimPolicy') ?? 'Delete',
      storageClassName: className,
      hostPath: { path: `/var/lib/rancher/k3s/storage/${name}` },
    },
  });
  return true;
}
