import { KubeRefusal } from '../errors/kube-refusal.ts';
import type { FieldOwner } from '../errors/kube-refusal.ts';
import { FIELD_MANAGER, resourceOf } from '../kube/kube-api.ts';
import type { KubeApi } from '../kube/kube-api.ts';
import type { LiveObject } from '../kube/live-object.ts';
import { definitionOf, resourceText } from '../kube/resource.ts';
import type { Resource } from '../kube/resource.ts';
import type { Manifest } from '../manifests/manifest.ts';
import type { KubeObject } from '../manifests/schema/kinds.ts';
import type { SecretFiller } from '../secrets/secret-filler.ts';
import { difference, isSame } from './difference.ts';
import type { FieldChange } from './difference.ts';

/** What would happen to one object. */
export type ResourcePlan = { readonly resource: Resource } & (
  | { readonly action: 'unchanged' }
  /** `after`: what has to be there first, and is not yet. */
  | { readonly action: 'create'; readonly after?: Prerequisite }
  /** Without fields: the values are right, but stand there as somebody else's. */
  | { readonly action: 'change'; readonly fields: readonly FieldChange[] }
  /** What others have changed, and what it would be again if it were forced. */
  | {
      readonly action: 'conflict';
      readonly owners: readonly FieldOwner[];
      readonly fields: readonly FieldChange[];
    }
  /** The server would not take it, in its own words. */
  | { readonly action: 'refused'; readonly status: number; readonly message: string }
  /** Nothing to do with it where this definition is missing. */
  | { readonly action: 'left-out'; readonly definition: string }
);

export type Prerequisite =
  | { readonly kind: 'CustomResourceDefinition'; readonly name: string }
  | { readonly kind: 'Namespace'; readonly name: string }
  /** One that answers: it is registered, and its program is not up. */
  | { readonly kind: 'webhook' };

export interface Examined {
  readonly plan: ResourcePlan;
  /** What is sent, secrets included; never shown. */
  readonly object: KubeObject;
}

/** Objects whose fields are taken from whoever has changed them, as `resourceText` names them. */
export type Forced = ReadonlySet<string>;

/** Asks the server what an apply would come to, by a dry run. Writes nothing. */
export async function examine(
  kube: KubeApi,
  manifest: Manifest,
  { filler, forced }: { readonly filler: SecretFiller; readonly forced: Forced },
): Promise<Examined> {
  const resource = resourceOf(manifest.object);
  const observed = await kube.get(resource);
  if (observed.state === 'kind-absent') {
    const definition = manifest.onlyWithCrd ?? definitionOf(resource.kind) ?? resource.kind;
    const plan: ResourcePlan =
      manifest.onlyWithCrd === undefined
        ? { resource, action: 'create', after: { kind: 'CustomResourceDefinition', name: definition } }
        : { resource, action: 'left-out', definition };
    return { plan, object: manifest.object };
  }
  const object = await filler.filled(manifest);
  const live = observed.state === 'found' ? observed.object : undefined;
  const force = forced.has(resourceText(resource));
  return { plan: { resource, ...(await outcome(kube, object, { live, force })) }, object };
}

type Outcome = ResourcePlan extends infer Plan
  ? Plan extends ResourcePlan
    ? Omit<Plan, 'resource'>
    : never
  : never;

async function outcome(
  kube: KubeApi,
  object: KubeObject,
  { live, force }: { readonly live: LiveObject | undefined; readonly force: boolean },
): Promise<Outcome> {
  try {
    const applied = await kube.apply(object, { dryRun: true, force });
    if (live === undefined) return { action: 'create' };
    const fields = difference(live, applied);
    return fields.length === 0 && isSame(ownFields(live), ownFields(applied))
      ? { action: 'unchanged' }
      : { action: 'change', fields };
  } catch (error) {
    if (!(error instanceof KubeRefusal)) throw error;
    const { owners } = error;
    if (owners.length === 0 || live === undefined)
      return refusal(error, live !== undefined, resourceOf(object).namespace ?? '');
    const wanted = await kube.apply(object, { dryRun: true, force: true });
    return { action: 'conflict', owners, fields: difference(live, wanted) };
  }
}

function refusal(error: KubeRefusal, exists: boolean, namespace: string): Outcome {
  const { details } = error;
  if (!exists && error.isNamespaceMissing)
    return { action: 'create', after: { kind: 'Namespace', name: namespace } };
  if (!exists && error.isWebhookSilent) return { action: 'create', after: { kind: 'webhook' } };
  // About the server, or about us, rather than about this object.
  if (details.status === 401 || error.isPassing || error.isWebhookSilent) throw error;
  return { action: 'refused', status: details.status, message: details.message };
}

/** Which fields the server holds as ours. */
function ownFields({ metadata }: LiveObject): unknown {
  return (metadata.managedFields ?? []).find(
    ({ manager, operation, subresource = '' }) =>
      manager === FIELD_MANAGER && operation === 'Apply' && subresource === '',
  )?.fieldsV1;
}
