import { badRequest, conflict, notFound, unsupportedMediaType } from '../objects/api-error.ts';
import { isRecord } from '../objects/json.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { timestamp } from '../clock.ts';
import { applyConfiguration } from '../fields/apply.ts';
import { apiVersionOf, storageKey } from '../kinds/resource-type.ts';
import { applyJsonPatch } from '../patch/json-patch.ts';
import { applyMergePatch } from '../patch/merge-patch.ts';
import { applyStrategicMerge } from '../patch/strategic-merge.ts';
import { insert } from './create.ts';
import { asObject, complete, decode } from './decode.ts';
import type { Ground, Target, WriteOptions } from './ground.ts';
import { current, store } from './update.ts';
import { writableView } from './views.ts';

export type PatchKind = 'json' | 'merge' | 'strategic' | 'apply';

export const PATCH_TYPES: Readonly<Record<string, PatchKind>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/apply-patch+yaml': 'apply',
};

/** PATCH, but for apply. */
export function patch(
  ground: Ground,
  target: Target,
  kind: Exclude<PatchKind, 'apply'>,
  body: unknown,
  options: WriteOptions,
): KubeObject {
  const { type } = target;
  if (kind === 'strategic' && !type.builtIn) {
    throw unsupportedMediaType(Object.keys(PATCH_TYPES).filter((each) => PATCH_TYPES[each] !== 'strategic'));
  }
  const before = current(ground, target);
  const { resourceVersion } = before.metadata;
  const patched = patchedBody(before, target, kind, body);
  const sent = decode(patched, target, options);
  // Without a version in the patch, the patch is meant for whatever version there is.
  if (sent.metadata.resourceVersion === resourceVersion) delete sent.metadata.resourceVersion;
  return store(ground, target, before, sent, options);
}

function patchedBody(
  before: KubeObject,
  { type }: Target,
  kind: Exclude<PatchKind, 'apply'>,
  body: unknown,
): unknown {
  if (kind === 'json') return applyJsonPatch(before, body);
  if (!isRecord(body))
    throw badRequest(
      'error decoding patch: json: cannot unmarshal into Go value of type map[string]interface {}',
    );
  return kind === 'merge' ? applyMergePatch(before, body) : applyStrategicMerge(before, body, type.schema);
}

export interface ApplyOptions extends WriteOptions {
  readonly force?: boolean;
}

/** Server-side apply: creates the object if there is none. */
export function apply(
  ground: Ground,
  target: Target,
  body: unknown,
  options: ApplyOptions,
): { readonly object: KubeObject; readonly created: boolean } {
  const { type, subresource = '' } = target;
  const sent = asObject(body, target);
  if (sent.metadata.managedFields !== undefined) throw badRequest('metadata.managedFields must be nil');
  const before = ground.store.get(storageKey(type), target.namespace, target.name);
  if (before === undefined && subresource !== '') throw notFound(type, target.name);
  // Applying on an object that is gone, as the uid or version says, must not make another one.
  const { uid, resourceVersion, ...metadata } = sent.metadata;
  const live = before ?? {
    apiVersion: sent.apiVersion,
    kind: sent.kind,
    metadata: { name: target.name, ...(type.namespaced ? { namespace: target.namespace } : {}) },
  };
  const { object, owners } = applyConfiguration(
    writableView(live, target),
    writableView({ ...sent, metadata }, target),
    {
      schema: type.schema,
      by: { manager: options.manager, operation: 'Apply', apiVersion: apiVersionOf(type), subresource },
      force: options.force === true,
      now: timestamp(ground.clock.now()),
    },
  );
  const whole = complete(object, type);
  if (before === undefined) {
    if (uid !== undefined) {
      throw conflict(
        type,
        target.name,
        `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`,
      );
    }
    return { object: insert(ground, target, whole, options, owners), created: true };
  }
  const { resourceVersion: _, uid: _uid, ...merged } = whole.metadata;
  const asked = {
    ...merged,
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
  return {
    object: store(ground, target, before, { ...whole, metadata: asked }, options, owners),
    created: false,
  };
}
