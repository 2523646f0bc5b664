import { ApiError } from '../objects/api-error.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import type { Schema } from '../schema/schema.ts';
import type { FieldSet } from './field-set.ts';
import { typeErrors } from './check-typed.ts';
import {
  isSameManager,
  managerText,
  ownable,
  readManagedFields,
  type Manager,
  type Owned,
} from './managers.ts';
import { pathText, type PathElement } from './path-element.ts';
import { compare, fieldsOf, mergeApplied, removeFields } from './typed.ts';

export interface Applied {
  readonly object: KubeObject;
  readonly owners: readonly Owned[];
}

/**
 * Server-side apply: lays a configuration over the live object, removes what the manager applied before and nobody
 * else owns, and refuses to change what others own unless it is forced.
 *
 * @param live - like the configuration without what this path may not write (status, say).
 * @throws ApiError 500 without a reason where the configuration does not fit the type, 409 on conflicts.
 */
export function applyConfiguration(
  live: KubeObject,
  configuration: KubeObject,
  { schema, by, force, now }: { schema: Schema; by: Manager; force: boolean; now: string },
): Applied {
  assertFits(configuration, schema);
  const before = readManagedFields(live.metadata.managedFields);
  const last = before.find((owned) => isSameManager(owned, by));
  const fields = ownable(fieldsOf(configuration, schema));
  const merged = mergeApplied(withoutManagedFields(live), configuration, schema) as KubeObject;
  const others = before.filter((owned) => !isSameManager(owned, by));
  const object =
    last === undefined ? merged : withoutAbandoned(merged, { last: last.fields, fields, others, schema });
  const kept = settle(live, object, { others, schema, force });
  const isUnchanged =
    last?.fields.difference(fields).isEmpty === true && fields.difference(last.fields).isEmpty;
  const time = isUnchanged ? last?.time : now;
  return { object, owners: [...kept, { ...by, time, fields }] };
}

function assertFits(configuration: KubeObject, schema: Schema): void {
  const errors = typeErrors(configuration, schema);
  if (errors.length === 0) return;
  const { apiVersion, kind, metadata } = configuration;
  const groupVersion = apiVersion.includes('/') ? apiVersion : `/${apiVersion}`;
  const which = `${metadata.namespace ?? ''}/${metadata.name ?? ''}; ${groupVersion}, Kind=${kind}`;
  const list = errors.length === 1 ? errors[0] : `errors:\n  ${errors.join('\n  ')}`;
  throw new ApiError(500, '', `failed to create typed patch object (${which}): ${list}`);
}

/** Takes off what this manager applied last time, does not apply any more, and nobody else owns. */
function withoutAbandoned(
  merged: KubeObject,
  {
    last,
    fields,
    others,
    schema,
  }: { last: FieldSet; fields: FieldSet; others: readonly Owned[]; schema: Schema },
): KubeObject {
  let managed = fields.withNamedFields(schema);
  for (const owned of others) managed = managed.union(owned.fields.withNamedFields(schema));
  return removeFields(merged, last.withNamedFields(schema).difference(managed), schema) as KubeObject;
}

/** What the other managers own afterwards. */
function settle(
  live: KubeObject,
  object: KubeObject,
  { others, schema, force }: { others: readonly Owned[]; schema: Schema; force: boolean },
): Owned[] {
  const { added, modified, removed } = compare(
    withoutManagedFields(live),
    withoutManagedFields(object),
    schema,
  );
  const changed = added.union(modified);
  const conflicts = others.flatMap((owned) =>
    owned.fields
      .intersection(changed)
      .paths()
      .map((path) => ({ owned, path })),
  );
  if (conflicts.length > 0 && !force) throw conflictError(conflicts);
  return others.map((owned) => ({ ...owned, fields: owned.fields.difference(changed).difference(removed) }));
}

function conflictError(conflicts: readonly { owned: Owned; path: readonly PathElement[] }[]): ApiError {
  const causes = conflicts.map(({ owned, path }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${managerText(owned)}`,
    field: pathText(path),
  }));
  const [first] = causes;
  if (causes.length === 1 && first !== undefined) {
    const message = `Apply failed with 1 conflict: ${first.message}: ${first.field}`;
    return new ApiError(409, 'Conflict', message, { details: { causes } });
  }
  const byManager = Map.groupBy(causes, ({ message }) => message.replace('conflict with', 'conflicts with'));
  const lines = [...byManager].flatMap(([message, those]) => [
    `${message}:`,
    ...those.map(({ field }) => `- ${field}`),
  ]);
  return new ApiError(409, 'Conflict', `Apply failed with ${causes.length} conflicts: ${lines.join('\n')}`, {
    details: { causes },
  });
}

/** Ownership after a write that was no apply: the writer owns what it changed or added, nobody what is gone. */
export function updateOwners(
  before: KubeObject | undefined,
  after: KubeObject,
  { schema, by, now, owners }: { schema: Schema; by: Manager; now: string; owners: readonly Owned[] },
): Owned[] {
  const start = before === undefined ? { metadata: {} } : withoutManagedFields(before);
  const { added, modified, removed } = compare(start, withoutManagedFields(after), schema);
  const changed = ownable(added.union(modified));
  const gone = ownable(removed);
  const own = owners.find((owned) => isSameManager(owned, by));
  const others = owners
    .filter((owned) => owned !== own)
    .map((owned) => ({ ...owned, fields: owned.fields.difference(changed).difference(gone) }));
  if (changed.isEmpty && gone.isEmpty) return own === undefined ? others : [...others, own];
  const fields = (own?.fields.difference(gone) ?? changed).union(changed);
  const isUnchanged = own !== undefined && fields.difference(own.fields).isEmpty && changed.isEmpty;
  return [...others, { ...by, time: isUnchanged ? own.time : now, fields }];
}

function withoutManagedFields(object: KubeObject): KubeObject {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
