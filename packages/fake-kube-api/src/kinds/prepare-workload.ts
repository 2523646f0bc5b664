import { at, isRecord, recordsAt, stringsAt, textAt, type JsonObject } from '../objects/json.ts';
import type { KubeObject } from '../objects/kube-object.ts';

/** Pods, and whatever makes pods from a template. */
export function prepareWorkload(object: KubeObject): KubeObject {
  const spec = isRecord(object['spec']) ? object['spec'] : {};
  if (object.kind === 'Pod') {
    return {
      ...object,
      spec: podSpec(spec),
      status: object['status'] ?? { phase: 'Pending', qosClass: qosClass(spec) },
    };
  }
  const prepared: JsonObject = { ...spec, template: podTemplate(spec['template']) };
  if (object.kind === 'Deployment' && textAt(spec, 'strategy', 'type') === 'RollingUpdate') {
    const rollingUpdate = {
      maxSurge: '25%',
      maxUnavailable: '25%',
      ...stringsAt(spec, 'strategy', 'rollingUpdate'),
    };
    prepared['strategy'] = { type: 'RollingUpdate', rollingUpdate };
  }
  if (object.kind === 'StatefulSet' && Array.isArray(spec['volumeClaimTemplates'])) {
    prepared['volumeClaimTemplates'] = recordsAt(spec, 'volumeClaimTemplates').map((claim) => ({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      status: { phase: 'Pending' },
      ...claim,
    }));
  }
  return { ...object, spec: prepared, status: object['status'] ?? emptyStatus(object.kind) };
}

function emptyStatus(kind: string): JsonObject {
  switch (kind) {
    case 'StatefulSet':
      return { replicas: 0, availableReplicas: 0 };
    case 'DaemonSet':
      return { currentNumberScheduled: 0, desiredNumberScheduled: 0, numberMisscheduled: 0, numberReady: 0 };
    case 'ReplicaSet':
      return { replicas: 0 };
    default:
      return {};
  }
}

export function podTemplate(template: unknown): JsonObject {
  const given = isRecord(template) ? template : {};
  return { metadata: {}, ...given, spec: podSpec(isRecord(given['spec']) ? given['spec'] : {}) };
}

function podSpec(spec: JsonObject): JsonObject {
  const { serviceAccountName } = spec;
  return {
    ...spec,
    ...(serviceAccountName === undefined ? {} : { serviceAccount: serviceAccountName }),
    ...(Array.isArray(spec['containers'])
      ? { containers: recordsAt(spec, 'containers').map(container) }
      : {}),
    ...(Array.isArray(spec['initContainers'])
      ? { initContainers: recordsAt(spec, 'initContainers').map(container) }
      : {}),
  };
}

/** An image without a tag, or tagged latest, is pulled each time. */
function container(given: JsonObject): JsonObject {
  const image = textAt(given, 'image') ?? '';
  const tag = /:([^/:@]+)(@.*)?$/.exec(image)?.[1];
  const isMoving = !image.includes('@') && (tag === undefined || tag === 'latest');
  return { imagePullPolicy: isMoving ? 'Always' : 'IfNotPresent', ...given };
}

function qosClass(spec: JsonObject): string {
  const containers = recordsAt(spec, 'containers');
  const isEmpty = (value: unknown) => !isRecord(value) || Object.keys(value).length === 0;
  if (
    containers.every(
      (each) => isEmpty(at(each, 'resources', 'limits')) && isEmpty(at(each, 'resources', 'requests')),
    )
  ) {
    return 'BestEffort';
  }
  const isGuaranteed = containers.every((each) => {
    const limits = stringsAt(each, 'resources', 'limits');
    const requests = { ...limits, ...stringsAt(each, 'resources', 'requests') };
    return ['cpu', 'memory'].every((name) => limits[name] !== undefined && limits[name] === requests[name]);
  });
  return isGuaranteed ? 'Guaranteed' : 'Burstable';
}
