import type { FieldProblem } from '../objects/api-error.ts';
import { at, canonical, isRecord, recordsAt, sameJson, stringsAt, textAt } from '../objects/json.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { validate } from '../schema/validate.ts';
import { matchesSelector } from '../store/selectors.ts';
import { checkDefinition } from './check-definition.ts';
import { checkMetadata } from './check-metadata.ts';
import type { ResourceType } from './resource-type.ts';

/** Everything that is wrong with an object that is about to be stored. */
export function checkObject(
  object: KubeObject,
  type: ResourceType,
  before: KubeObject | undefined,
): FieldProblem[] {
  return [
    ...checkMetadata(object.metadata, type),
    ...validate(object, type.schema),
    ...(type.builtIn ? checkKind(object) : []),
    ...(type.builtIn && before !== undefined ? checkImmutable(object, before) : []),
  ];
}

function checkKind(object: KubeObject): FieldProblem[] {
  switch (object.kind) {
    case 'Deployment':
    case 'StatefulSet':
    case 'DaemonSet':
    case 'ReplicaSet': {
      const labels = stringsAt(object, 'spec', 'template', 'metadata', 'labels');
      const selector = at(object, 'spec', 'selector');
      if (!isRecord(selector) || matchesSelector(selector, labels)) return [];
      return [
        {
          reason: 'FieldValueInvalid',
          field: 'spec.template.metadata.labels',
          message: `Invalid value: ${canonical(labels)}: \`selector\` does not match template \`labels\``,
        },
      ];
    }
    case 'Job': {
      const policy = textAt(object, 'spec', 'template', 'spec', 'restartPolicy');
      if (policy === 'OnFailure' || policy === 'Never') return [];
      return [
        {
          reason: 'FieldValueNotSupported',
          field: 'spec.template.spec.restartPolicy',
          message: `Unsupported value: ${JSON.stringify(policy)}: supported values: "OnFailure", "Never"`,
        },
      ];
    }
    case 'Service':
      return checkService(object);
    case 'CustomResourceDefinition':
      return checkDefinition(object);
    default:
      return [];
  }
}

function checkService(object: KubeObject): FieldProblem[] {
  const ports = recordsAt(object, 'spec', 'ports');
  const problems: FieldProblem[] = [];
  const isPortless =
    textAt(object, 'spec', 'type') === 'ExternalName' || textAt(object, 'spec', 'clusterIP') === 'None';
  if (ports.length === 0 && !isPortless)
    problems.push({ reason: 'FieldValueRequired', field: 'spec.ports', message: 'Required value' });
  for (const [index, port] of ports.entries()) {
    if (ports.length > 1 && port['name'] === undefined) {
      problems.push({
        reason: 'FieldValueRequired',
        field: `spec.ports[${index}].name`,
        message: 'Required value',
      });
    }
    const number = Number(port['port']);
    if (number < 1 || number > 65_535) {
      problems.push({
        reason: 'FieldValueInvalid',
        field: `spec.ports[${index}].port`,
        message: `Invalid value: ${number}: must be between 1 and 65535, inclusive`,
      });
    }
  }
  for (const [index, range] of (
    (at(object, 'spec', 'loadBalancerSourceRanges') as string[] | undefined) ?? []
  ).entries()) {
    if (!/^[0-9a-f.:]+\/\d+$/i.test(range.trim())) {
      problems.push({
        reason: 'FieldValueInvalid',
        field: `spec.loadBalancerSourceRanges[${index}]`,
        message: `Invalid value: ${JSON.stringify(range)}: must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)`,
      });
    }
  }
  return problems;
}

/** Fields that may not change once they are there. */
const IMMUTABLE: Readonly<Record<string, readonly string[]>> = {
  Deployment: ['spec.selector'],
  DaemonSet: ['spec.selector'],
  ReplicaSet: ['spec.selector'],
  Job: ['spec.selector', 'spec.template', 'spec.completionMode'],
  Secret: ['type'],
  Service: ['spec.clusterIP'],
  RoleBinding: ['roleRef'],
  ClusterRoleBinding: ['roleRef'],
  StorageClass: ['parameters', 'provisioner', 'reclaimPolicy', 'volumeBindingMode'],
};
const STATEFUL_SET_MAY_CHANGE = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
];

function checkImmutable(object: KubeObject, before: KubeObject): FieldProblem[] {
  if (
    object.kind === 'StatefulSet' &&
    !sameJson(
      except(object['spec'], STATEFUL_SET_MAY_CHANGE),
      except(before['spec'], STATEFUL_SET_MAY_CHANGE),
    )
  ) {
    return [
      {
        reason: 'FieldValueForbidden',
        field: 'spec',
        message:
          "Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
      },
    ];
  }
  if (
    object.kind === 'PersistentVolumeClaim' &&
    !sameJson(
      except(object['spec'], ['resources', 'volumeName', 'volumeAttributesClassName']),
      except(before['spec'], ['resources', 'volumeName', 'volumeAttributesClassName']),
    )
  ) {
    return [
      {
        reason: 'FieldValueForbidden',
        field: 'spec',
        message:
          'Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims',
      },
    ];
  }
  if ((object.kind === 'Secret' || object.kind === 'ConfigMap') && before['immutable'] === true) {
    const changed = ['data', 'binaryData', 'immutable'].filter(
      (field) => !sameJson(object[field], before[field]),
    );
    return changed.map((field) => ({
      reason: 'FieldValueForbidden',
      field,
      message: 'Forbidden: field is immutable when `immutable` is set',
    }));
  }
  return (IMMUTABLE[object.kind] ?? []).flatMap((field): FieldProblem[] => {
    const [now, then] = [at(object, ...field.split('.')), at(before, ...field.split('.'))];
    if (then === undefined || sameJson(now, then)) return [];
    if (object.kind === 'Service' && (now === undefined || textAt(before, 'spec', 'type') === 'ExternalName'))
      return [];
    if (field === 'parameters' || field === 'provisioner')
      return [
        { reason: 'FieldValueForbidden', field, message: `Forbidden: updates to ${field} are forbidden.` },
      ];
    const why = field === 'roleRef' ? 'cannot change roleRef' : 'field is immutable';
    return [
      { reason: 'FieldValueInvalid', field, message: `Invalid value: ${canonical(now ?? null)}: ${why}` },
    ];
  });
}

function except(value: unknown, fields: readonly string[]): unknown {
  return isRecord(value)
    ? Object.fromEntries(Object.entries(value).filter(([field]) => !fields.includes(field)))
    : value;
}
