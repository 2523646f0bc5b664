import { conflict } from '../objects/api-error.ts';
import { at, textAt, type JsonObject } from '../objects/json.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { timestamp } from '../clock.ts';
import { storageKey } from '../kinds/resource-type.ts';
import { admit, type Ground, type Target, type WriteOptions } from './ground.ts';
import { current } from './update.ts';

export type Propagation = 'Background' | 'Foreground' | 'Orphan';

export interface DeleteOptions extends Pick<WriteOptions, 'dryRun'> {
  /** @defaultValue 'Background' */
  readonly propagationPolicy?: Propagation | undefined;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string } | undefined;
  /** Of pods that run on a node; defaults to what the pod says. */
  readonly gracePeriodSeconds?: number | undefined;
}

const PROPAGATION_FINALIZERS: Readonly<Record<Propagation, string | undefined>> = {
  Background: undefined,
  Foreground: 'foregroundDeletion',
  Orphan: 'orphan',
};

/**
 * DELETE: removes the object, or marks it where finalizers or a grace period keep it for now.
 *
 * @returns the object where it is still there, or a Status that it is gone.
 */
export function remove(ground: Ground, target: Target, options: DeleteOptions): KubeObject | JsonObject {
  const { type, name } = target;
  const object = current(ground, target);
  assertPreconditions(object, target, options);
  admit(ground, { operation: 'DELETE', type, object, previous: object });
  const marked = mark(ground, object, options);
  if (options.dryRun !== true) {
    if (marked === undefined) ground.store.remove(storageKey(type), object);
    else if (marked !== object) return ground.store.put(storageKey(type), marked);
  }
  if (marked !== undefined) return marked;
  const { uid = '' } = object.metadata;
  const { group, plural } = type;
  const details = { name, ...(group === '' ? {} : { group }), kind: plural, uid };
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details };
}

/** The object as it waits for its end; undefined if nothing keeps it. */
function mark(ground: Ground, object: KubeObject, options: DeleteOptions): KubeObject | undefined {
  const { metadata } = object;
  const more = PROPAGATION_FINALIZERS[options.propagationPolicy ?? 'Background'];
  const before = metadata.finalizers ?? [];
  const finalizers = more === undefined || before.includes(more) ? before : [...before, more];
  const grace = gracePeriod(object, options);
  const isNamespace = object.kind === 'Namespace' && object.apiVersion === 'v1';
  if (finalizers.length === 0 && grace === 0 && !isNamespace) return undefined;
  if (metadata.deletionTimestamp !== undefined && grace >= (metadata.deletionGracePeriodSeconds ?? 0))
    return object;
  return {
    ...object,
    ...(isNamespace ? { status: { phase: 'Terminating' } } : {}),
    metadata: {
      ...metadata,
      ...(finalizers.length === 0 ? {} : { finalizers }),
      deletionTimestamp: timestamp(ground.clock.now() + grace * 1_000),
      deletionGracePeriodSeconds: grace,
      ...(metadata.generation === undefined ? {} : { generation: metadata.generation + 1 }),
    },
  };
}

/** Only a pod that runs on a node is given time. */
function gracePeriod(object: KubeObject, { gracePeriodSeconds }: DeleteOptions): number {
  if (object.kind !== 'Pod' || object.apiVersion !== 'v1' || textAt(object, 'spec', 'nodeName') === undefined)
    return 0;
  const phase = textAt(object, 'status', 'phase');
  if (phase === 'Succeeded' || phase === 'Failed') return 0;
  return gracePeriodSeconds ?? Number(at(object, 'spec', 'terminationGracePeriodSeconds') ?? 30);
}

function assertPreconditions(
  object: KubeObject,
  { type, name }: Target,
  { preconditions }: DeleteOptions,
): void {
  const { uid = '', resourceVersion = '' } = object.metadata;
  if (preconditions?.uid !== undefined && preconditions.uid !== uid) {
    const why = `the UID in the precondition (${preconditions.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`;
    throw conflict(type, name, why);
  }
  if (preconditions?.resourceVersion !== undefined && preconditions.resourceVersion !== resourceVersion) {
    const why = `the ResourceVersion in the precondition (${preconditions.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`;
    throw conflict(type, name, why);
  }
}
