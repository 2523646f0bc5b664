import { isRecord, type JsonObject } from '../objects/json.ts';
import { fieldSchema, keepsUnknown, type Schema } from './schema.ts';

/**
 * Pruning: a copy without the fields that the schema does not know.
 *
 * @param unknown - is told the path of each field that was dropped.
 */
export function prune<T>(value: T, schema: Schema, unknown: (path: string) => void = () => undefined): T {
  return pruned(value, schema, '', unknown) as T;
}

function pruned(value: unknown, schema: Schema, path: string, unknown: (path: string) => void): unknown {
  if (Array.isArray(value)) {
    return value.map((item, index) => pruned(item, schema.items ?? {}, `${path}[${index}]`, unknown));
  }
  if (!isRecord(value)) return value;
  const result: JsonObject = {};
  for (const [field, child] of Object.entries(value)) {
    const childPath = path === '' ? field : `${path}.${field}`;
    const known = fieldSchema(schema, field);
    if (known !== undefined) result[field] = pruned(child, known, childPath, unknown);
    else if (keepsUnknown(schema) || isEmbeddedMeta(schema, field)) result[field] = child;
    else unknown(childPath);
  }
  return result;
}

function isEmbeddedMeta(schema: Schema, field: string): boolean {
  return (
    schema['x-kubernetes-embedded-resource'] === true && ['apiVersion', 'kind', 'metadata'].includes(field)
  );
}

/** Defaulting: a copy with the defaults of the schema where nothing was given, and without nulls that may not be. */
export function applyDefaults<T>(value: T, schema: Schema): T {
  return defaulted(value, schema) as T;
}

function defaulted(value: unknown, schema: Schema): unknown {
  if (Array.isArray(value)) return value.map((item) => defaulted(item, schema.items ?? {}));
  if (!isRecord(value)) return value;
  const result: JsonObject = {};
  for (const [field, child] of Object.entries(value)) {
    const known = fieldSchema(schema, field);
    // A null where the schema allows none counts as not given.
    if (child === null && known !== undefined && !allowsNull(known)) continue;
    if (child !== undefined) result[field] = known === undefined ? child : defaulted(child, known);
  }
  for (const [field, known] of Object.entries(schema.properties ?? {})) {
    if (result[field] === undefined && known.default !== undefined) {
      result[field] = defaulted(structuredClone(known.default), known);
    }
  }
  return result;
}

function allowsNull(schema: Schema): boolean {
  return schema.nullable === true || (keepsUnknown(schema) && schema.type === undefined);
}
