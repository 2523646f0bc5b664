import type { ResourceType } from '../kinds/resource-type.ts';
import { storageKey } from '../kinds/resource-type.ts';
import { nameOf, type KubeObject } from '../objects/kube-object.ts';
import type { Cluster } from './cluster.ts';
import type { Controller } from './controller.ts';

/** Deletes what is owned by something that is gone, and carries out foreground and orphaning deletes. */
export const garbageCollector: Controller = {
  name: 'garbage-collector',
  reconcile(cluster) {
    const all = everything(cluster);
    const uids = new Set(all.map(({ metadata }) => metadata.uid));
    for (const object of all) {
      const { ownerReferences = [], deletionTimestamp, finalizers = [] } = object.metadata;
      const isLeft = ownerReferences.length > 0 && ownerReferences.every(({ uid }) => !uids.has(uid));
      if (isLeft && deletionTimestamp === undefined) cluster.delete(object);
      if (deletionTimestamp === undefined) continue;
      const dependents = all.filter((each) =>
        each.metadata.ownerReferences?.some(({ uid }) => uid === object.metadata.uid),
      );
      if (finalizers.includes('orphan')) {
        for (const each of dependents) disown(cluster, each, object);
        cluster.patch(object, { metadata: { finalizers: finalizers.filter((each) => each !== 'orphan') } });
      } else if (finalizers.includes('foregroundDeletion')) {
        for (const each of dependents)
          if (each.metadata.deletionTimestamp === undefined) cluster.delete(each);
        if (dependents.length === 0) {
          cluster.patch(object, {
            metadata: { finalizers: finalizers.filter((each) => each !== 'foregroundDeletion') },
          });
        }
      }
    }
  },
};

function disown(cluster: Cluster, dependent: KubeObject, owner: KubeObject): void {
  const left = (dependent.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== owner.metadata.uid);
  cluster.patch(dependent, { metadata: { ownerReferences: left.length === 0 ? null : left } });
}

/** Each stored object once, whatever versions its kind has. */
export function everything(cluster: Cluster): KubeObject[] {
  const types = new Map<string, ResourceType>(
    cluster.api.registry.all().map((type) => [storageKey(type), type]),
  );
  return [...types.keys()].flatMap((key) => cluster.api.store.list(key));
}

/** Empties namespaces that are being deleted, and gives new ones their service account. */
export const namespaces: Controller = {
  name: 'namespace-controller',
  reconcile(cluster) {
    for (const namespace of cluster.list('v1', 'Namespace')) {
      const name = nameOf(namespace);
      if (namespace.metadata.deletionTimestamp === undefined) {
        cluster.ensure({
          apiVersion: 'v1',
          kind: 'ServiceAccount',
          metadata: { name: 'default', namespace: name },
        });
        continue;
      }
      const inside = everything(cluster).filter(({ metadata }) => metadata.namespace === name);
      for (const object of inside) {
        if (object.metadata.deletionTimestamp === undefined)
          cluster.delete(object, { gracePeriodSeconds: 0 });
      }
      if (inside.length === 0) cluster.finish(namespace);
    }
  },
};
