/**
 * The database's members, as Patroni tells of them in the cluster: a label and an annotation on each pod, the leader's
 * position and the confirming standbys in ConfigMaps (Patroni manual, "Kubernetes deployments").
 */
import type { Lab } from '../config/lab.ts';
import type { KubeApi } from '../kube/kube-api.ts';
import { conditionOf, valueAt } from '../kube/live-object.ts';
import type { LiveObject, Observed } from '../kube/live-object.ts';
import { databaseLabels } from '../manifests/manifest.ts';

export interface Member {
  readonly pod: string;
  /** A pod that comes again under its name is another one. */
  readonly uid: string;
  readonly node: string | undefined;
  /** By the pod's label, which the master address follows. */
  readonly role: 'primary' | 'standby' | 'unknown';
  readonly isReady: boolean;
  /** Patroni's own word: `running`, `streaming`, `starting`, …; undefined where it has not spoken yet. */
  readonly state: string | undefined;
  readonly timeline: number | undefined;
  /** Behind the primary, by what both have told last; undefined on the primary and where that is not known. */
  readonly lagBytes: number | undefined;
  /** The primary waits for it before it acknowledges a write. */
  readonly isSynchronous: boolean;
  readonly isGoing: boolean;
  /** A setting waits for its restart. */
  readonly needsRestart: boolean;
}

export async function readMembers(kube: KubeApi, lab: Lab): Promise<Member[]> {
  const { namespace, name } = lab.cluster;
  const [pods, leader, sync] = await Promise.all([
    kube.list('Pod', namespace),
    kube.get({ kind: 'ConfigMap', namespace, name: `${name}-leader` }),
    kube.get({ kind: 'ConfigMap', namespace, name: `${name}-sync` }),
  ]);
  return membersOf(
    pods.filter((pod) => isLabelled(pod, databaseLabels(lab))),
    annotationsOf(leader)['optime'],
    annotationsOf(sync)['sync_standby'],
  );
}

/**
 * @param optime - the primary's position, as Patroni keeps it beside the lease.
 * @param confirming - names of the standbys that confirm, with commas between them.
 */
export function membersOf(
  pods: readonly LiveObject[],
  optime: string | undefined,
  confirming: string | undefined,
): Member[] {
  const synchronous = new Set((confirming ?? '').split(',').map((each) => each.trim()));
  return pods
    .map((pod) => memberOf(pod, Number(optime), synchronous))
    .toSorted((a, b) => a.pod.localeCompare(b.pod, 'en', { numeric: true }));
}

export function isLabelled({ metadata }: LiveObject, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([key, value]) => metadata.labels?.[key] === value);
}

function memberOf(pod: LiveObject, optime: number, synchronous: ReadonlySet<string>): Member {
  const { name, labels = {}, annotations = {}, deletionTimestamp } = pod.metadata;
  const said = statusOf(annotations['status']);
  const role = ROLES[labels['spilo-role'] ?? ''] ?? 'unknown';
  const position = said['xlog_location'];
  const node = valueAt(pod, 'spec', 'nodeName');
  return {
    pod: name,
    uid: pod.metadata.uid ?? '',
    node: typeof node === 'string' ? node : undefined,
    role,
    isReady: conditionOf(pod, 'Ready')?.status === 'True',
    state: typeof said['state'] === 'string' ? said['state'] : undefined,
    timeline: typeof said['timeline'] === 'number' ? said['timeline'] : undefined,
    lagBytes:
      role === 'standby' && typeof position === 'number' && Number.isFinite(optime)
        ? Math.max(0, optime - position)
        : undefined,
    isSynchronous: synchronous.has(name),
    isGoing: deletionTimestamp !== undefined,
    needsRestart: said['pending_restart'] === true,
  };
}

/** Patroni 4 says primary, the ones before said master; the label is what the operator has set. */
const ROLES: Readonly<Record<string, Member['role']>> = {
  master: 'primary',
  primary: 'primary',
  replica: 'standby',
};

function statusOf(text: string | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function annotationsOf(observed: Observed): Readonly<Record<string, string>> {
  return observed.state === 'found' ? (observed.object.metadata.annotations ?? {}) : {};
}
