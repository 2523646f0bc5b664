import { at, isRecord } from '../objects/json.ts';
import { fieldSchema, keepsUnknown, type Schema } from '../schema/schema.ts';
import { fieldElement, itemElement, pathText, type PathElement } from './path-element.ts';

/** Why an applied configuration does not fit its type, each with its path; empty if it does. */
export function typeErrors(value: unknown, schema: Schema): string[] {
  return errorsOf(value, schema, []);
}

function errorsOf(value: unknown, schema: Schema, path: readonly PathElement[]): string[] {
  if (value === undefined || value === null) return [];
  const fail = (why: string) => [`${pathText(path)}: ${why}`];
  if (schema['x-kubernetes-int-or-string'] === true) {
    return typeof value === 'object' ? fail(`expected any scalar, got ${shown(value)}`) : [];
  }
  const { type = '' } = schema;
  switch (type) {
    case 'string':
      return typeof value === 'string'
        ? []
        : fail(`expected string, got &value.valueUnstructured{Value:${shown(value)}}`);
    case 'boolean':
      return typeof value === 'boolean' ? [] : fail(`expected boolean, got &{${shown(value)}}`);
    case 'integer':
    case 'number':
      return typeof value === 'number' ? [] : fail(`expected numeric (int or float), got ${goType(value)}`);
    case 'array':
      return Array.isArray(value)
        ? itemErrors(value, schema, path)
        : fail(`expected list, got &{${shown(value)}}`);
    case 'object':
      return isRecord(value) ? mapErrors(value, schema, path) : fail(`expected map, got &{${shown(value)}}`);
    default:
      return isRecord(value) ? mapErrors(value, schema, path) : [];
  }
}

function mapErrors(value: Record<string, unknown>, schema: Schema, path: readonly PathElement[]): string[] {
  return Object.entries(value).flatMap(([field, child]) => {
    const childPath = [...path, fieldElement(field)];
    const known = fieldSchema(schema, field);
    if (known !== undefined) return errorsOf(child, known, childPath);
    return keepsUnknown(schema) || isEmbedded(schema, field)
      ? []
      : [`${pathText(childPath)}: field not declared in schema`];
  });
}

function isEmbedded(schema: Schema, field: string): boolean {
  return (
    schema['x-kubernetes-embedded-resource'] === true && ['apiVersion', 'kind', 'metadata'].includes(field)
  );
}

function itemErrors(value: readonly unknown[], schema: Schema, path: readonly PathElement[]): string[] {
  const seen = new Set<PathElement>();
  return value.flatMap((item, index) => {
    const missing = missingKey(schema, item);
    if (missing !== undefined) {
      const why = `associative list with keys has an element that omits key field ${JSON.stringify(missing)} (and doesn't have default value)`;
      return [`${pathText(path)}: element ${index}: ${why}`];
    }
    const element = itemElement(schema, item);
    const childPath = element === undefined ? [...path, `i:${index}`] : [...path, element];
    if (element !== undefined && seen.has(element))
      return [`${pathText(path)}: duplicate entries for key ${pathText([element])}`];
    if (element !== undefined) seen.add(element);
    return errorsOf(item, schema.items ?? {}, childPath).map((error) =>
      error.replace(`[=${index}]`, `[${index}]`),
    );
  });
}

function missingKey(schema: Schema, item: unknown): string | undefined {
  if (schema['x-kubernetes-list-type'] !== 'map') return undefined;
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  // One of several keys may be missing; then it counts as absent, which is a value of its own.
  if (keys.some((key) => at(item, key) !== undefined)) return undefined;
  return keys.find((key) => schema.items?.properties?.[key]?.default === undefined);
}

function goType(value: unknown): string {
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'bool';
  return Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}';
}

function shown(value: unknown): string {
  return JSON.stringify(value);
}
