import type { Ground } from '../api/ground.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { prepareBatch } from './prepare-batch.ts';
import { prepareDefinition } from './prepare-definition.ts';
import { prepareService } from './prepare-service.ts';
import { prepareSmall } from './prepare-small.ts';
import { prepareWorkload } from './prepare-workload.ts';
import { storageKey, type ResourceType } from './resource-type.ts';

/** What the server fills in by rules that no schema can hold. */
type Prepare = (object: KubeObject, before: KubeObject | undefined, ground: Ground) => KubeObject;

const BY_RESOURCE: Readonly<Record<string, Prepare>> = {
  '/services': prepareService,
  'apps/deployments': prepareWorkload,
  'apps/statefulsets': prepareWorkload,
  'apps/daemonsets': prepareWorkload,
  'apps/replicasets': prepareWorkload,
  '/pods': prepareWorkload,
  'batch/jobs': prepareBatch,
  'batch/cronjobs': prepareBatch,
  'apiextensions.k8s.io/customresourcedefinitions': prepareDefinition,
};

export function prepareForCreate(object: KubeObject, type: ResourceType, ground: Ground): KubeObject {
  const prepare = BY_RESOURCE[storageKey(type)] ?? (type.builtIn ? prepareSmall : keep);
  return prepare(object, undefined, ground);
}

export function prepareForUpdate(
  object: KubeObject,
  before: KubeObject,
  type: ResourceType,
  ground: Ground,
): KubeObject {
  const prepare = BY_RESOURCE[storageKey(type)] ?? (type.builtIn ? prepareSmall : keep);
  return prepare(object, before, ground);
}

function keep(object: KubeObject): KubeObject {
  return object;
}
