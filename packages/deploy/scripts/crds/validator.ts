/**
 * Validates as `kubeconform -strict` does, and more strictly than an API server, which drops what it does not know: a field
 * that is dropped silently is a setting that never works. Rules in CEL (x-kubernetes-validations) are not evaluated.
 */
import { Ajv } from 'ajv';
import type { ErrorObject, ValidateFunction } from 'ajv';
import type { Crd, StructuralSchema } from './upstream.ts';

export type Validate = (value: unknown) => string[];

const METADATA = {
  type: 'object',
  required: ['name'],
  additionalProperties: false,
  properties: {
    name: { type: 'string' },
    namespace: { type: 'string' },
    labels: { type: 'object', additionalProperties: { type: 'string' } },
    annotations: { type: 'object', additionalProperties: { type: 'string' } },
  },
} satisfies StructuralSchema;

const INT32 = 2 ** 31;

/** @returns a function that says what is wrong, one line each; none for an object that is right. */
export function crdValidator(crd: Crd, version: string): Validate {
  const schema = crd.versions.find(({ name }) => name === version)?.schema;
  if (schema === undefined) throw new Error(`${crd.file} has no version ${version} of ${crd.kind}`);
  const properties = {
    ...schema.properties,
    apiVersion: { type: 'string' },
    kind: { type: 'string' },
    metadata: METADATA,
  };
  return schemaValidator({ ...schema, properties });
}

export function schemaValidator(schema: StructuralSchema): Validate {
  // The patterns are Go's: with the flag `u` JavaScript refuses an escaped blank.
  const ajv = new Ajv({ allErrors: true, strict: false, logger: false, unicodeRegExp: false });
  ajv.addFormat('int32', { type: 'number', validate: (value) => value >= -INT32 && value < INT32 });
  ajv.addFormat('int64', { type: 'number', validate: Number.isSafeInteger });
  const validate: ValidateFunction = ajv.compile(strict(schema));
  return (value) => (validate(value) ? [] : (validate.errors ?? []).map(line));
}

/** The same schema, which refuses what an API server would prune. Only where structure is given: never inside anyOf. */
export function strict(schema: StructuralSchema): StructuralSchema {
  const { properties, additionalProperties, items } = schema;
  const inner: Record<string, unknown> = { ...schema };
  if (schema['x-kubernetes-int-or-string'] === true) {
    delete inner['type'];
    return { ...inner, anyOf: [{ type: 'integer' }, { type: 'string' }] };
  }
  if (properties !== undefined)
    inner['properties'] = Object.fromEntries(
      Object.entries(properties).map(([name, property]) => [name, strict(property)]),
    );
  if (items !== undefined) inner['items'] = strict(items);
  if (typeof additionalProperties === 'object') inner['additionalProperties'] = strict(additionalProperties);
  else if (
    schema.type === 'object' &&
    additionalProperties === undefined &&
    schema['x-kubernetes-preserve-unknown-fields'] !== true
  )
    inner['additionalProperties'] = false;
  return inner;
}

function line({ instancePath, keyword, message, params }: ErrorObject): string {
  const extra: unknown = keyword === 'additionalProperties' ? params['additionalProperty'] : undefined;
  const path = typeof extra === 'string' ? `${instancePath}/${extra}` : instancePath;
  return `${path || '/'}: ${extra === undefined ? (message ?? keyword) : 'is not known to this schema'}`;
}
