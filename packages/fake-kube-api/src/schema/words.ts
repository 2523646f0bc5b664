import type { Schema } from './schema.ts';

/** Short words for schemas, so that a definition reads like the type it describes. */
export const text: Schema = { type: 'string' };
export const flag: Schema = { type: 'boolean' };
export const int: Schema = { type: 'integer', format: 'int32' };
export const bigInt: Schema = { type: 'integer', format: 'int64' };
/** Anything, kept as it is. */
export const open: Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

export function choice(...values: readonly string[]): Schema {
  return { type: 'string', enum: values };
}

export function list(items: Schema, more: Schema = {}): Schema {
  return { type: 'array', items, ...more };
}

export function map(values: Schema): Schema {
  return { type: 'object', additionalProperties: values };
}

export function fields(
  properties: Readonly<Record<string, Schema>>,
  required: readonly string[] = [],
): Schema {
  return { type: 'object', properties, ...(required.length === 0 ? {} : { required }) };
}

/** A label selector, which changes as a whole. */
export const selector: Schema = {
  ...fields({
    matchLabels: map(text),
    matchExpressions: list(fields({ key: text, operator: text, values: list(text) }, ['key', 'operator'])),
  }),
  'x-kubernetes-map-type': 'atomic',
};
