import { isRecord, type JsonObject } from '../objects/json.ts';
import { fieldSchema, type Schema } from '../schema/schema.ts';

/**
 * Strategic merge of built-in kinds: as a merge patch, but lists with a merge key are merged item by item.
 * `$patch: delete|replace` and `$deleteFromPrimitiveList` are understood, `$setElementOrder` and `$retainKeys` ignored.
 */
export function applyStrategicMerge(document: unknown, patch: unknown, schema: Schema | undefined): unknown {
  if (!isRecord(patch)) return patch;
  if (patch['$patch'] === 'replace') return without(patch);
  const result: JsonObject = isRecord(document) ? { ...document } : {};
  for (const [field, value] of Object.entries(patch)) {
    if (field.startsWith('$deleteFromPrimitiveList/')) removeItems(result, field.split('/')[1] ?? '', value);
    else if (field.startsWith('$')) continue;
    else if (value === null) delete result[field];
    else result[field] = mergeField(result[field], value, fieldSchema(schema, field));
  }
  return result;
}

function mergeField(current: unknown, value: unknown, schema: Schema | undefined): unknown {
  if (!Array.isArray(value)) return applyStrategicMerge(current, value, schema);
  // The merge key is the first one, even where server-side apply takes several.
  const key = schema?.['x-kubernetes-list-map-keys']?.[0];
  const items = Array.isArray(current) ? [...(current as unknown[])] : [];
  if (key !== undefined) return mergeList(items, value, key, schema);
  if (schema?.['x-kubernetes-list-type'] === 'set') return [...new Set([...items, ...(value as unknown[])])];
  return value as unknown[];
}

function mergeList(
  items: unknown[],
  patch: readonly unknown[],
  key: string,
  schema: Schema | undefined,
): unknown[] {
  if (patch.some((item) => isRecord(item) && item['$patch'] === 'replace')) {
    return patch.filter((item) => !(isRecord(item) && item['$patch'] === 'replace'));
  }
  for (const item of patch) {
    if (!isRecord(item)) continue;
    const index = items.findIndex((each) => isRecord(each) && each[key] === item[key]);
    if (item['$patch'] === 'delete') {
      if (index >= 0) items.splice(index, 1);
    } else if (index < 0) items.push(applyStrategicMerge(undefined, item, schema?.items));
    else items[index] = applyStrategicMerge(items[index], item, schema?.items);
  }
  return items;
}

function removeItems(result: JsonObject, field: string, values: unknown): void {
  const current = result[field];
  if (!Array.isArray(current) || !Array.isArray(values)) return;
  result[field] = current.filter((item) => !values.includes(item));
}

function without(patch: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(patch).filter(([field]) => field !== '$patch'));
}
