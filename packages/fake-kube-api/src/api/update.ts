import { conflict, invalid, modifiedMeanwhile, notFound } from '../objects/api-error.ts';
import type { KubeObject, ObjectMeta } from '../objects/kube-object.ts';
import { timestamp } from '../clock.ts';
import { updateOwners } from '../fields/apply.ts';
import { readManagedFields, writeManagedFields, type Owned } from '../fields/managers.ts';
import { checkObject } from '../kinds/check-object.ts';
import { prepareForUpdate } from '../kinds/prepare.ts';
import { apiVersionOf, storageKey } from '../kinds/resource-type.ts';
import { assertValid, decode } from './decode.ts';
import { admit, type Ground, type Target, type WriteOptions } from './ground.ts';
import { isSameIntent, isSameObject, withView, writableView } from './views.ts';

export function current(ground: Ground, { type, namespace, name }: Target): KubeObject {
  const found = ground.store.get(storageKey(type), namespace, name);
  if (found === undefined) throw notFound(type, name);
  return found.apiVersion === apiVersionOf(type) ? found : { ...found, apiVersion: apiVersionOf(type) };
}

/** PUT: replaces the object, or its status on that path. */
export function replace(ground: Ground, target: Target, body: unknown, options: WriteOptions): KubeObject {
  const sent = decode(body, target, options);
  const before = current(ground, target);
  if (sent.metadata.resourceVersion === undefined && !target.type.builtIn) {
    throw invalid(target.type, target.name, [
      {
        reason: 'FieldValueInvalid',
        field: 'metadata.resourceVersion',
        message: 'Invalid value: 0: must be specified for an update',
      },
    ]);
  }
  return store(ground, target, before, sent, options);
}

/**
 * Stores a changed object in place of what was there, if that may be.
 *
 * @param sent - the whole object, decoded.
 * @param owners - given by an apply; any other write owns what it changes.
 */
export function store(
  ground: Ground,
  target: Target,
  before: KubeObject,
  sent: KubeObject,
  options: WriteOptions,
  owners?: readonly Owned[],
): KubeObject {
  const { type } = target;
  assertSameObject(sent.metadata, before, target);
  const now = timestamp(ground.clock.now());
  const whole = withView(
    before,
    { ...sent, metadata: carriedMetadata(sent.metadata, before.metadata) },
    target,
  );
  const prepared = target.subresource === undefined ? prepareForUpdate(whole, before, type, ground) : whole;
  const owned = owners ?? ownersAfter(target, before, sent, prepared, options, now);
  const next = {
    ...prepared,
    metadata: {
      ...prepared.metadata,
      ...(type.countsGenerations ? { generation: generationAfter(before, prepared, target) } : {}),
      managedFields: writeManagedFields(owned),
    },
  };
  admit(ground, { operation: 'UPDATE', type, object: next, previous: before });
  assertValid(next, type, checkObject(next, type, before));
  if (isSameObject(before, next)) return before;
  if (options.dryRun === true) return next;
  if (isFinallyGone(next)) return ground.store.remove(storageKey(type), next);
  return ground.store.put(storageKey(type), next);
}

/** Whether the last finalizer of an object that is being deleted is gone. */
function isFinallyGone({ metadata, spec }: KubeObject): boolean {
  if (metadata.deletionTimestamp === undefined || (metadata.deletionGracePeriodSeconds ?? 0) > 0)
    return false;
  const inSpec = (spec as { finalizers?: readonly unknown[] } | undefined)?.finalizers ?? [];
  return (metadata.finalizers ?? []).length === 0 && inSpec.length === 0;
}

/** The client may say which version, and which object, it means. */
function assertSameObject(sent: ObjectMeta, before: KubeObject, { type, name }: Target): void {
  const { uid, resourceVersion } = before.metadata;
  if (sent.uid !== undefined && sent.uid !== uid) {
    throw conflict(
      type,
      name,
      `Precondition failed: UID in precondition: ${sent.uid}, UID in object meta: ${uid ?? ''}`,
    );
  }
  if (
    sent.resourceVersion !== undefined &&
    sent.resourceVersion !== '' &&
    sent.resourceVersion !== resourceVersion
  ) {
    throw modifiedMeanwhile(type, name);
  }
}

function carriedMetadata(sent: ObjectMeta, before: ObjectMeta): ObjectMeta {
  const {
    managedFields: _,
    deletionTimestamp: _at,
    deletionGracePeriodSeconds: _grace,
    generation: _generation,
    ...rest
  } = sent;
  const carried: ObjectMeta = { ...rest };
  for (const field of [
    'name',
    'generateName',
    'namespace',
    'uid',
    'resourceVersion',
    'creationTimestamp',
    'deletionTimestamp',
    'generation',
    'deletionGracePeriodSeconds',
  ] as const) {
    if (before[field] !== undefined) Object.assign(carried, { [field]: before[field] });
  }
  return carried;
}

function ownersAfter(
  target: Target,
  before: KubeObject,
  sent: KubeObject,
  after: KubeObject,
  { manager }: WriteOptions,
  now: string,
): Owned[] {
  const { type, subresource = '' } = target;
  const by = { manager, operation: 'Update', apiVersion: apiVersionOf(type), subresource } as const;
  // A client that sends an empty list on purpose resets it; one that sends none means no change.
  const { managedFields = before.metadata.managedFields } = sent.metadata;
  return updateOwners(writableView(before, target), writableView(after, target), {
    schema: type.schema,
    by,
    now,
    owners: readManagedFields(managedFields),
  });
}

function generationAfter(before: KubeObject, after: KubeObject, { type }: Target): number {
  const { generation = 1 } = before.metadata;
  return isSameIntent(before, after, type) ? generation : generation + 1;
}
