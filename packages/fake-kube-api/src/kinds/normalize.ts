import { isRecord, type JsonObject } from '../objects/json.ts';
import { fieldSchema, type Schema } from '../schema/schema.ts';
import { canonicalQuantity } from './quantity.ts';

/**
 * What passing through the server's own types does to a built-in object: nulls, empty lists and empty maps of free
 * keys are gone, quantities are canonical. Empty objects with fields of their own (`emptyDir: {}`) stay.
 */
export function normalize<T>(value: T, schema: Schema): T {
  return (normalized(value, schema) ?? {}) as T;
}

function normalized(value: unknown, schema: Schema): unknown {
  if (value === null) return undefined;
  if (schema['x-quantity'] === true && (typeof value === 'string' || typeof value === 'number')) {
    return canonicalQuantity(value) ?? value;
  }
  if (Array.isArray(value)) {
    if (value.length === 0) return undefined;
    return value.map((item) => normalized(item, schema.items ?? {}) ?? item);
  }
  if (!isRecord(value)) return value;
  if (Object.keys(value).length === 0 && schema.additionalProperties !== undefined) return undefined;
  const result: JsonObject = {};
  for (const [field, child] of Object.entries(value)) {
    const known = fieldSchema(schema, field);
    // What the schema leaves open (a custom resource's schema, say) is kept as it is.
    const kept =
      known === undefined || schema['x-kubernetes-preserve-unknown-fields'] === true
        ? child
        : normalized(child, known);
    if (kept !== undefined) result[field] = kept;
  }
  return result;
}
