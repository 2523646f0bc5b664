import type { ManagedFieldsEntry } from '../objects/kube-object.ts';
import { FieldSet } from './field-set.ts';

/** Who wrote a field: appliers are the same whatever version they applied, updaters are one for each version. */
export interface Manager {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource: string;
}

export interface Owned extends Manager {
  readonly time: string | undefined;
  readonly fields: FieldSet;
}

export function isSameManager(left: Manager, right: Manager): boolean {
  return (
    left.manager === right.manager &&
    left.operation === right.operation &&
    left.subresource === right.subresource &&
    (left.operation === 'Apply' || left.apiVersion === right.apiVersion)
  );
}

export function readManagedFields(entries: readonly ManagedFieldsEntry[] | undefined): Owned[] {
  return (entries ?? []).map(({ manager, operation, apiVersion, subresource = '', time, fieldsV1 }) => ({
    manager,
    operation,
    apiVersion,
    subresource,
    time,
    fields: FieldSet.fromFieldsV1(fieldsV1),
  }));
}

/** Appliers first, then by time and name, as the real server sorts them. */
export function writeManagedFields(owners: readonly Owned[]): ManagedFieldsEntry[] {
  return owners
    .filter(({ fields }) => !fields.isEmpty)
    .sort((left, right) => compareText(orderOf(left), orderOf(right)))
    .map(({ manager, operation, apiVersion, subresource, time, fields }) => ({
      manager,
      operation,
      apiVersion,
      ...(time === undefined ? {} : { time }),
      fieldsType: 'FieldsV1',
      fieldsV1: fields.toFieldsV1(),
      ...(subresource === '' ? {} : { subresource }),
    }));
}

function orderOf({ operation, time = '', manager, apiVersion, subresource }: Owned): string {
  return [operation, time, manager, apiVersion, subresource].join('\0');
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** As conflict messages name a manager. */
export function managerText({ manager, operation, apiVersion, subresource }: Manager): string {
  const name =
    JSON.stringify(manager) + (subresource === '' ? '' : ` with subresource ${JSON.stringify(subresource)}`);
  return operation === 'Apply' ? name : `${name} using ${apiVersion}`;
}

const NEVER_OWNED = new FieldSet();
for (const field of ['apiVersion', 'kind', 'metadata']) NEVER_OWNED.insert([`f:${field}`]);
for (const field of [
  'name',
  'namespace',
  'creationTimestamp',
  'selfLink',
  'uid',
  'generation',
  'managedFields',
  'resourceVersion',
]) {
  NEVER_OWNED.insert(['f:metadata', `f:${field}`]);
}

/** Without what the server itself keeps: nobody owns names, versions and the like. */
export function ownable(fields: FieldSet): FieldSet {
  return fields.difference(NEVER_OWNED);
}
