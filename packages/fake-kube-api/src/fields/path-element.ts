import { at, canonical, type JsonObject } from '../objects/json.ts';
import type { Schema } from '../schema/schema.ts';

/**
 * One step of a path, written as in `managedFields`: `f:spec` a field, `k:{"name":"web"}` an item of a list by its
 * keys, `v:"x"` an item of a set by its value.
 */
export type PathElement = string;

export function fieldElement(name: string): PathElement {
  return `f:${name}`;
}

/** How an item of a list is addressed; undefined where the list is one value as a whole. */
export function itemElement(schema: Schema, item: unknown): PathElement | undefined {
  const listType = schema['x-kubernetes-list-type'];
  if (listType === 'set') return `v:${canonical(item)}`;
  if (listType !== 'map') return undefined;
  const values: JsonObject = {};
  for (const key of schema['x-kubernetes-list-map-keys'] ?? []) {
    values[key] = at(item, key) ?? schema.items?.properties?.[key]?.default;
  }
  return `k:${canonical(values)}`;
}

/** Whether items of a list are merged one by one. */
export function isAssociative(schema: Schema | undefined): schema is Schema {
  const listType = schema?.['x-kubernetes-list-type'];
  return listType === 'set' || listType === 'map';
}

/** As conflict messages write a path: `.spec.containers[name="web"].image`. */
export function pathText(path: readonly PathElement[]): string {
  return path.map(elementText).join('');
}

function elementText(element: PathElement): string {
  const value = element.slice(2);
  switch (element.slice(0, 2)) {
    case 'f:':
      return `.${value}`;
    case 'k:': {
      const keys = Object.entries(JSON.parse(value) as JsonObject);
      return `[${keys.map(([key, each]) => `${key}=${JSON.stringify(each)}`).join(',')}]`;
    }
    default:
      return `[=${value}]`;
  }
}
