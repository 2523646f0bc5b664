import { isRecord, recordsAt, textAt } from '../objects/json.ts';
import type { KubeObject } from '../objects/kube-object.ts';

/** Names that follow from others, and a status to start with. */
export function prepareDefinition(object: KubeObject): KubeObject {
  const spec = isRecord(object['spec']) ? object['spec'] : {};
  const names = isRecord(spec['names']) ? spec['names'] : {};
  const kind = textAt(names, 'kind') ?? '';
  const stored = recordsAt(spec, 'versions')
    .filter(({ storage }) => storage === true)
    .map(({ name }) => name);
  return {
    ...object,
    spec: { ...spec, names: { listKind: `${kind}List`, singular: kind.toLowerCase(), ...names } },
    status: object['status'] ?? {
      acceptedNames: { kind: '', plural: '' },
      conditions: [],
      storedVersions: stored,
    },
  };
}
