import { isRecord, sameJson, type JsonObject } from '../objects/json.ts';
import { fieldSchema, isAtomic, type Schema } from '../schema/schema.ts';
import { FieldSet } from './field-set.ts';
import { fieldElement, isAssociative, itemElement, type PathElement } from './path-element.ts';

/** The fields that an applied configuration speaks about. */
export function fieldsOf(value: unknown, schema: Schema): FieldSet {
  const set = new FieldSet();
  collect(value, schema, [], set);
  return set;
}

function collect(
  value: unknown,
  schema: Schema | undefined,
  path: readonly PathElement[],
  into: FieldSet,
): void {
  if (isRecord(value) && !isAtomic(schema)) {
    if (Object.keys(value).length === 0) into.insert(path);
    for (const [field, child] of Object.entries(value)) {
      const childPath = [...path, fieldElement(field)];
      // A key of a free map is owned itself, beside what is below it.
      if (schema?.properties?.[field] === undefined) into.insert(childPath);
      collect(child, fieldSchema(schema, field), childPath, into);
    }
  } else if (Array.isArray(value) && isAssociative(schema)) {
    for (const item of value) {
      const childPath = [...path, itemElement(schema, item) ?? ''];
      into.insert(childPath);
      if (isRecord(item)) collect(item, schema.items, childPath, into);
    }
  } else {
    into.insert(path);
  }
}

export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

/** How an object differs from what it was, path by path. */
export function compare(before: unknown, after: unknown, schema: Schema): Comparison {
  const comparison = { added: new FieldSet(), modified: new FieldSet(), removed: new FieldSet() };
  compareValues(before, after, schema, [], comparison);
  return comparison;
}

function compareValues(
  before: unknown,
  after: unknown,
  schema: Schema | undefined,
  path: readonly PathElement[],
  into: Comparison,
): void {
  if (before === undefined) into.added.insert(path);
  if (after === undefined) into.removed.insert(path);
  const granular = !isAtomic(schema);
  if (granular && isMapOrNone(before) && isMapOrNone(after)) {
    for (const field of new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])) {
      const childPath = [...path, fieldElement(field)];
      compareValues(before?.[field], after?.[field], fieldSchema(schema, field), childPath, into);
    }
  } else if (isAssociative(schema) && isListOrNone(before) && isListOrNone(after)) {
    const [itemsBefore, itemsAfter] = [itemsByElement(before, schema), itemsByElement(after, schema)];
    for (const element of new Set([...itemsBefore.keys(), ...itemsAfter.keys()])) {
      compareValues(
        itemsBefore.get(element),
        itemsAfter.get(element),
        schema.items,
        [...path, element],
        into,
      );
    }
  } else if (before !== undefined && after !== undefined && !sameJson(before, after)) {
    into.modified.insert(path);
  }
}

/** The live object with an applied configuration laid over it. */
export function mergeApplied(live: unknown, applied: unknown, schema: Schema | undefined): unknown {
  if (applied === undefined) return live;
  if (live === undefined || live === null || isAtomic(schema)) return applied;
  if (isRecord(live) && isRecord(applied)) {
    const result: JsonObject = { ...live };
    for (const [field, child] of Object.entries(applied)) {
      result[field] = mergeApplied(live[field], child, fieldSchema(schema, field));
    }
    return result;
  }
  if (Array.isArray(live) && Array.isArray(applied) && isAssociative(schema)) {
    return mergeItems(itemsByElement(live, schema), itemsByElement(applied, schema), schema);
  }
  return applied;
}

/**
 * Items of both: shared ones in the order of the applied list, those only alive as early as that allows, as the real
 * server orders them.
 */
function mergeItems(
  live: Map<PathElement, unknown>,
  applied: Map<PathElement, unknown>,
  schema: Schema,
): unknown[] {
  const result: unknown[] = [];
  const left = [...live.keys()];
  const passLive = (until?: PathElement) => {
    while (left.length > 0 && left[0] !== until) {
      const element = left.shift() ?? '';
      if (!applied.has(element)) result.push(live.get(element));
    }
  };
  const shared = [...applied.keys()].filter((element) => live.has(element));
  for (const [element, item] of applied) {
    const next = shared[0];
    // A shared item that was passed already stands earlier in the live list; nothing waits for it.
    passLive(next !== undefined && left.includes(next) ? next : undefined);
    if (next === element) {
      shared.shift();
      if (left[0] === element) left.shift();
    }
    result.push(mergeApplied(live.get(element), item, schema.items));
  }
  passLive();
  return result;
}

/**
 * A copy without the paths of a set; what is below a removed path goes with it. A map or a list that this empties goes,
 * too: the real server leaves a null there, which it drops afterwards.
 */
export function removeFields(value: unknown, remove: FieldSet, schema: Schema | undefined): unknown {
  if (remove.isEmpty || isAtomic(schema)) return value;
  if (isRecord(value)) {
    const result: JsonObject = {};
    for (const [field, child] of Object.entries(value)) {
      const element = fieldElement(field);
      if (remove.members.has(element)) continue;
      const kept = removeFields(child, remove.child(element), fieldSchema(schema, field));
      if (kept !== undefined) result[field] = kept;
    }
    return Object.keys(result).length === 0 ? undefined : result;
  }
  if (Array.isArray(value) && isAssociative(schema)) {
    const items = [...itemsByElement(value, schema)]
      .filter(([element]) => !remove.members.has(element))
      .map(([element, item]) => removeFields(item, remove.child(element), schema.items));
    return items.length === 0 ? undefined : items;
  }
  return value;
}

function itemsByElement(value: readonly unknown[] | undefined, schema: Schema): Map<PathElement, unknown> {
  return new Map((value ?? []).map((item) => [itemElement(schema, item) ?? '', item]));
}

function isMapOrNone(value: unknown): value is JsonObject | undefined {
  return value === undefined || isRecord(value);
}

function isListOrNone(value: unknown): value is unknown[] | undefined {
  return value === undefined || Array.isArray(value);
}
