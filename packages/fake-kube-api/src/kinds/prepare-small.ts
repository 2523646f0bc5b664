import { isRecord, recordsAt, stringsAt } from '../objects/json.ts';
import { nameOf, type KubeObject } from '../objects/kube-object.ts';

/** Kinds with a rule or two. */
export function prepareSmall(object: KubeObject, before: KubeObject | undefined): KubeObject {
  const spec = isRecord(object['spec']) ? object['spec'] : {};
  switch (object.kind) {
    case 'Namespace': {
      const labels = { ...object.metadata.labels, 'kubernetes.io/metadata.name': nameOf(object) };
      const finalizers =
        before === undefined
          ? ['kubernetes']
          : ((before['spec'] as { finalizers?: string[] })?.finalizers ?? []);
      const kept = spec['finalizers'] ?? finalizers;
      return {
        ...object,
        metadata: { ...object.metadata, labels },
        spec: { ...spec, finalizers: kept },
        status: object['status'] ?? { phase: 'Active' },
      };
    }
    case 'Secret':
      return secret(object);
    case 'NetworkPolicy': {
      const policyTypes =
        spec['policyTypes'] ?? (spec['egress'] === undefined ? ['Ingress'] : ['Ingress', 'Egress']);
      return { ...object, spec: { ...spec, policyTypes } };
    }
    case 'PersistentVolumeClaim':
    case 'PersistentVolume':
      return { ...object, status: object['status'] ?? { phase: 'Pending' } };
    case 'RoleBinding':
    case 'ClusterRoleBinding':
      return Array.isArray(object['subjects'])
        ? { ...object, subjects: recordsAt(object, 'subjects').map(subject) }
        : object;
    case 'PodDisruptionBudget':
      return {
        ...object,
        status: object['status'] ?? {
          currentHealthy: 0,
          desiredHealthy: 0,
          disruptionsAllowed: 0,
          expectedPods: 0,
        },
      };
    default:
      return object;
  }
}

/** What is written as text is kept as base64. */
function secret({ stringData, ...object }: KubeObject): KubeObject {
  if (!isRecord(stringData)) return object;
  const encoded = Object.entries(stringData).map(([key, value]) => [
    key,
    Buffer.from(String(value)).toString('base64'),
  ]);
  return { ...object, data: { ...stringsAt(object, 'data'), ...Object.fromEntries(encoded) } };
}

function subject(given: Record<string, unknown>): Record<string, unknown> {
  return given['kind'] === 'ServiceAccount' ? given : { apiGroup: 'rbac.authorization.k8s.io', ...given };
}
