import * as client from '@kubernetes/client-node';
import type { Schema } from '../schema/schema.ts';
import { ATOMIC_MODELS, DEFAULTS, ENUMS, LIST_KEYS, ATOMIC_MAPS, REQUIRED, SETS } from './model-facts.ts';

interface Attribute {
  readonly baseName: string;
  readonly type: string;
  readonly format: string;
}

/** The classes that the client library was generated into: they name each field of each built-in kind with its type. */
const MODELS = client as unknown as Readonly<
  Record<string, { readonly attributeTypeMap?: readonly Attribute[] } | undefined>
>;

/** Fields whose map holds quantities; the generated classes call them strings. */
const QUANTITY_MAPS = new Set(['limits', 'requests', 'capacity', 'allocatable', 'hard', 'used', 'overhead']);
const QUANTITY_FIELDS = new Set(['sizeLimit', 'divisor']);
const QUANTITY: Schema = { 'x-kubernetes-int-or-string': true, 'x-quantity': true };

const known = new Map<string, Schema>();

/** The schema of a generated class such as `V1Service`; kinds that contain themselves are tied back to themselves. */
export function modelSchema(model: string): Schema {
  const found = known.get(model);
  if (found !== undefined) return found;
  const attributes = MODELS[model]?.attributeTypeMap;
  if (attributes === undefined) return { 'x-kubernetes-preserve-unknown-fields': true };
  const properties: Record<string, Schema> = {};
  const schema: Schema = {
    type: 'object',
    properties,
    ...(REQUIRED[model] === undefined ? {} : { required: REQUIRED[model] }),
    ...(ATOMIC_MODELS.has(model) ? { 'x-kubernetes-map-type': 'atomic' } : {}),
  };
  known.set(model, schema);
  for (const attribute of attributes) properties[attribute.baseName] = attributeSchema(model, attribute);
  return schema;
}

function attributeSchema(model: string, { baseName, type, format }: Attribute): Schema {
  const place = `${model}.${baseName}`;
  const schema = QUANTITY_FIELDS.has(baseName)
    ? QUANTITY
    : typeSchema(type, format, QUANTITY_MAPS.has(baseName));
  const extra: Record<string, unknown> = {};
  if (schema.type === 'array') {
    const keys = LIST_KEYS[place];
    extra['x-kubernetes-list-type'] = keys === undefined ? (SETS.has(place) ? 'set' : 'atomic') : 'map';
    if (keys !== undefined) extra['x-kubernetes-list-map-keys'] = keys;
  }
  if (ATOMIC_MAPS.has(place)) extra['x-kubernetes-map-type'] = 'atomic';
  if (place in DEFAULTS) extra['default'] = DEFAULTS[place];
  if (place in ENUMS) extra['enum'] = ENUMS[place];
  // A copy shares the fields of its class, which may still be filled.
  return { ...schema, ...extra };
}

function typeSchema(type: string, format: string, quantities: boolean): Schema {
  const list = /^(?:Array|Set)<(.+)>$/.exec(type)?.[1];
  if (list !== undefined) return { type: 'array', items: typeSchema(list, format, false) };
  const map = /^\{ \[key: string\]: (.+); \}$/.exec(type)?.[1];
  if (map !== undefined) {
    return { type: 'object', additionalProperties: quantities ? QUANTITY : typeSchema(map, format, false) };
  }
  switch (type) {
    case 'string':
      return format === 'byte' ? { type, format } : { type };
    case 'boolean':
      return { type };
    case 'number':
      return format === 'double' ? { type } : { type: 'integer', format };
    case 'Date':
    case 'V1MicroTime':
      return { type: 'string', format: 'date-time' };
    case 'IntOrString':
      return { 'x-kubernetes-int-or-string': true };
    case 'any':
    case 'object':
      return { 'x-kubernetes-preserve-unknown-fields': true };
    default:
      return modelSchema(type);
  }
}
