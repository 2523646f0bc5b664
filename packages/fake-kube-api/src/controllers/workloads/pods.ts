import { createHash } from 'node:crypto';
import {
  at,
  canonical,
  isRecord,
  numberAt,
  recordsAt,
  stringsAt,
  type JsonObject,
} from '../../objects/json.ts';
import { controllerReference, type KubeObject } from '../../objects/kube-object.ts';
import type { Cluster } from '../cluster.ts';

export function isReady(pod: KubeObject): boolean {
  return recordsAt(pod, 'status', 'conditions').some(
    ({ type, status }) => type === 'Ready' && status === 'True',
  );
}

export function replicasOf(object: KubeObject): number {
  return numberAt(object, 'spec', 'replicas') ?? 1;
}

export function ownedBy(cluster: Cluster, apiVersion: string, kind: string, owner: KubeObject): KubeObject[] {
  const all = cluster.list(apiVersion, kind, owner.metadata.namespace);
  return all.filter(
    ({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === owner.metadata.uid) === true,
  );
}

export function livingPods(cluster: Cluster, owner: KubeObject): KubeObject[] {
  return ownedBy(cluster, 'v1', 'Pod', owner).filter(
    ({ metadata }) => metadata.deletionTimestamp === undefined,
  );
}

export function templateHash(template: unknown): string {
  return createHash('sha256').update(canonical(template)).digest('hex').slice(0, 10);
}

export function podFrom(
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

export function namespaceOf({ metadata }: KubeObject): { namespace?: string } {
  return metadata.namespace === undefined ? {} : { namespace: metadata.namespace };
}
