import type { Lab } from '../config/lab.ts';
import type { KubeApi } from '../kube/kube-api.ts';
import { resourceOf } from '../kube/kube-api.ts';
import { valueAt } from '../kube/live-object.ts';
import type { LiveObject } from '../kube/live-object.ts';
import { resourceText } from '../kube/resource.ts';
import type { Resource } from '../kube/resource.ts';
import { databaseLabels, ownLabels } from '../manifests/manifest.ts';
import type { ManifestStep, StepId } from '../manifests/manifest.ts';
import { foreignUse } from './foreign-use.ts';

/** What is only destroyed where that is asked for. */
export interface Consents {
  /** The database's own volumes: all its data. */
  readonly volumes: boolean;
  /** Passwords, the certificate and its authority. */
  readonly secrets: boolean;
  /** The volume of the backups, and the password of its share. The files on the share stay in any case. */
  readonly backups: boolean;
}

/** Why an object stays. */
export type Kept =
  | { readonly is: keyof Consents }
  /** It bears the name of one of ours, but not our labels. */
  | { readonly is: 'foreign' }
  /** Others need it. */
  | { readonly is: 'in-use'; readonly by: string }
  /** A namespace with something in it that stays. */
  | { readonly is: 'holds'; readonly what: string };

/** What becomes of an object that is there. */
export type Fate = { readonly resource: Resource; readonly object: LiveObject } & (
  { readonly goes: true } | { readonly goes: false; readonly kept: Kept }
);

const CONSENT_FOR: Partial<Record<StepId, keyof Consents>> = {
  certificates: 'secrets',
  credentials: 'secrets',
  'backup-share': 'backups',
};

/** What of a lab is there, in the order in which it has to go: what was made last goes first. Reads only. */
export async function fates(
  kube: KubeApi,
  lab: Lab,
  steps: readonly ManifestStep[],
  consents: Consents,
): Promise<Fate[]> {
  const found: Fate[] = [];
  for (const { id, manifests } of steps.toReversed()) {
    // Behind the cluster that has them mounted.
    if (id === 'backup-share' || (id === 'credentials' && !hasStep(steps, 'backup-share')))
      found.push(...(await volumeFates(kube, lab, consents)));
    for (const { object } of manifests.toReversed()) {
      const resource = resourceOf(object);
      const observed = await kube.get(resource);
      if (observed.state !== 'found') continue;
      const kept = await reasonToKeep(kube, lab, { id, object: observed.object, found, consents });
      found.push({
        resource,
        object: observed.object,
        ...(kept === undefined ? { goes: true } : { goes: false, kept }),
      });
    }
  }
  return found;
}

function hasStep(steps: readonly ManifestStep[], id: StepId): boolean {
  return steps.some((step) => step.id === id);
}

async function reasonToKeep(
  kube: KubeApi,
  lab: Lab,
  {
    id,
    object,
    found,
    consents,
  }: {
    readonly id: StepId;
    readonly object: LiveObject;
    readonly found: readonly Fate[];
    readonly consents: Consents;
  },
): Promise<Kept | undefined> {
  const labels = object.metadata.labels ?? {};
  if (Object.entries(ownLabels(lab)).some(([key, value]) => labels[key] !== value)) return { is: 'foreign' };
  const consent = CONSENT_FOR[id];
  if (consent !== undefined && !consents[consent]) return { is: consent };
  const by = await foreignUse(kube, lab, object);
  if (by !== undefined) return { is: 'in-use', by };
  if (object.kind !== 'Namespace') return undefined;
  const { name } = object.metadata;
  const inside = found.find(
    ({ resource, ...fate }) => !fate.goes && (resource.namespace === name || targetOf(fate.object) === name),
  );
  return inside === undefined ? undefined : { is: 'holds', what: resourceText(inside.resource) };
}

/** A chart's objects are in another namespace than the HelmChart. */
function targetOf(object: LiveObject): unknown {
  return object.kind === 'HelmChart' ? valueAt(object, 'spec', 'targetNamespace') : undefined;
}

/** The claims that the operator has made for the instances, and the volumes behind them, which outlive their claims. */
async function volumeFates(kube: KubeApi, lab: Lab, { volumes }: Consents): Promise<Fate[]> {
  const { namespace } = lab.cluster;
  const wanted = Object.entries(databaseLabels(lab));
  const claims = (await kube.list('PersistentVolumeClaim', namespace)).filter(({ metadata }) =>
    wanted.every(([key, value]) => metadata.labels?.[key] === value),
  );
  const names = new Set(claims.map(({ metadata }) => metadata.name));
  const behind = (await kube.list('PersistentVolume')).filter(
    (volume) =>
      valueAt(volume, 'spec', 'claimRef', 'namespace') === namespace &&
      (names.has(String(valueAt(volume, 'spec', 'claimRef', 'name'))) || isOfDatabase(volume, lab)),
  );
  return [...claims, ...behind].map((object) => {
    const { name, namespace: where } = object.metadata;
    const kind = claims.includes(object) ? 'PersistentVolumeClaim' : 'PersistentVolume';
    const resource: Resource = { kind, namespace: where, name };
    return volumes
      ? { resource, object, goes: true }
      : { resource, object, goes: false, kept: { is: 'volumes' } };
  });
}

/** Also where its claim is gone already: a run before this one was stopped in between. */
function isOfDatabase(volume: LiveObject, { cluster }: Lab): boolean {
  const claim = String(valueAt(volume, 'spec', 'claimRef', 'name'));
  return claim.startsWith('pgdata-') && claim.slice('pgdata-'.length).replace(/-\d+$/, '') === cluster.name;
}
