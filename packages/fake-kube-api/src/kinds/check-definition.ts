import type { FieldProblem } from '../objects/api-error.ts';
import { at, recordsAt, textAt } from '../objects/json.ts';
import type { KubeObject } from '../objects/kube-object.ts';

/** A CustomResourceDefinition must be named by what it defines, store one version, and have a schema for each. */
export function checkDefinition(object: KubeObject): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const [plural = '', group = ''] = [
    textAt(object, 'spec', 'names', 'plural'),
    textAt(object, 'spec', 'group'),
  ];
  const versions = recordsAt(object, 'spec', 'versions');
  const name = object.metadata.name ?? '';
  if (name !== `${plural}.${group}`) {
    problems.push({
      reason: 'FieldValueInvalid',
      field: 'metadata.name',
      message: `Invalid value: ${JSON.stringify(name)}: must be spec.names.plural+"."+spec.group`,
    });
  }
  if (versions.filter(({ storage }) => storage === true).length !== 1) {
    problems.push({
      reason: 'FieldValueInvalid',
      field: 'spec.versions',
      message: `Invalid value: ${JSON.stringify(versions.map((each) => each['name']))}: must have exactly one version marked as storage version`,
    });
  }
  for (const [index, version] of versions.entries()) {
    const schema = at(version, 'schema', 'openAPIV3Schema');
    const field = `spec.versions[${index}].schema.openAPIV3Schema`;
    if (schema === undefined)
      problems.push({ reason: 'FieldValueRequired', field, message: 'Required value: schemas are required' });
    else if (textAt(schema, 'type') !== 'object') {
      problems.push({
        reason: 'FieldValueInvalid',
        field: `${field}.type`,
        message: `Invalid value: ${JSON.stringify(textAt(schema, 'type') ?? '')}: must be object at the root`,
      });
    }
  }
  return problems;
}
