import { randomBytes, randomUUID } from 'node:crypto';
import { alreadyExists, ApiError, forbidden, notFound } from '../objects/api-error.ts';
import { textAt } from '../objects/json.ts';
import type { KubeObject, ObjectMeta } from '../objects/kube-object.ts';
import { timestamp } from '../clock.ts';
import { updateOwners } from '../fields/apply.ts';
import { writeManagedFields, type Owned } from '../fields/managers.ts';
import { checkObject } from '../kinds/check-object.ts';
import { prepareForCreate } from '../kinds/prepare.ts';
import { apiVersionOf, storageKey } from '../kinds/resource-type.ts';
import { assertValid, decode } from './decode.ts';
import { admit, type Ground, type Target, type WriteOptions } from './ground.ts';
import { withoutStatus } from './views.ts';

/** POST. @param target - its name is empty; the object brings it. */
export function create(ground: Ground, target: Target, body: unknown, options: WriteOptions): KubeObject {
  return insert(ground, target, decode(body, target, options), options);
}

/** Stores an object that is complete but for what the server adds. @param owners - given by an apply. */
export function insert(
  ground: Ground,
  { type, namespace }: Target,
  object: KubeObject,
  options: WriteOptions,
  owners?: readonly Owned[],
): KubeObject {
  const now = timestamp(ground.clock.now());
  const start = type.statusSubresource ? withoutStatus(object) : object;
  const prepared = prepareForCreate(
    { ...start, metadata: freshMetadata(start.metadata, now, type.countsGenerations) },
    type,
    ground,
  );
  const name = prepared.metadata.name ?? '';
  assertNamespace(ground, { type, namespace, name });
  const by = {
    manager: options.manager,
    operation: 'Update',
    apiVersion: apiVersionOf(type),
    subresource: '',
  } as const;
  const owned = owners ?? updateOwners(undefined, prepared, { schema: type.schema, by, now, owners: [] });
  const next = { ...prepared, metadata: { ...prepared.metadata, managedFields: writeManagedFields(owned) } };
  admit(ground, { operation: 'CREATE', type, object: next, previous: undefined });
  assertValid(next, type, checkObject(next, type, undefined));
  if (ground.store.get(storageKey(type), namespace, name) !== undefined) throw alreadyExists(type, name);
  return options.dryRun === true ? next : ground.store.put(storageKey(type), next);
}

/** What the server decides itself, whatever was sent. */
function freshMetadata(sent: ObjectMeta, now: string, countsGenerations: boolean): ObjectMeta {
  const {
    resourceVersion,
    generation: _generation,
    deletionTimestamp: _deletionTimestamp,
    deletionGracePeriodSeconds: _deletionGracePeriodSeconds,
    managedFields: _managedFields,
    ...kept
  } = sent;
  if (resourceVersion !== undefined && resourceVersion !== '') {
    throw new ApiError(500, 'InternalError', 'resourceVersion should not be set on objects to be created');
  }
  const name = kept.name ?? (kept.generateName === undefined ? undefined : kept.generateName + suffix());
  return {
    ...kept,
    ...(name === undefined ? {} : { name }),
    uid: randomUUID(),
    ...(countsGenerations ? { generation: 1 } : {}),
    creationTimestamp: now,
  };
}

/** Five characters without vowels, as the real server makes up names. */
function suffix(): string {
  const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
  return [...randomBytes(5)].map((byte) => alphabet[byte % alphabet.length]).join('');
}

function assertNamespace(ground: Ground, { type, namespace, name }: Target): void {
  if (!type.namespaced) return;
  const namespaces = { group: '', plural: 'namespaces' };
  const found = ground.store.get('/namespaces', '', namespace);
  if (found === undefined) throw notFound(namespaces, namespace);
  if (textAt(found, 'status', 'phase') !== 'Terminating') return;
  const message = `namespace ${namespace} is being terminated`;
  throw forbidden(
    type,
    name,
    `unable to create new content in namespace ${namespace} because it is being terminated`,
    [{ reason: 'NamespaceTerminating', message, field: 'metadata.namespace' }],
  );
}
