/** What the operator does behind a cluster whose `postgresql` is gone. */
import { parse } from 'yaml';
import type { Cluster } from '../controllers/cluster.ts';
import { at, isRecord, stringsAt, textAt } from '../objects/json.ts';
import { nameOf, type KubeObject } from '../objects/kube-object.ts';

type Kind = readonly [apiVersion: string, kind: string];
/** Kinds of a cluster's objects that go with it, whatever the operator is told. */
const GOES: readonly Kind[] = [
  ['apps/v1', 'StatefulSet'],
  ['apps/v1', 'Deployment'],
  ['v1', 'Service'],
  ['policy/v1', 'PodDisruptionBudget'],
  ['v1', 'ConfigMap'],
];

/** What the operator's chart values say of deletions, with the operator's own defaults. */
interface DeletionSettings {
  readonly deletesSecrets: boolean;
  readonly deletesClaims: boolean;
  /** Annotations without which it takes a deletion for a mistake. */
  readonly nameKey: string | undefined;
  readonly dateKey: string | undefined;
}

/** Clusters are known from when they were there: what somebody has prepared for one that is still to come stays. */
export class CleanUp {
  #known = new Map<string, KubeObject>();

  reconcile(cluster: Cluster, databases: readonly KubeObject[]): void {
    const living = new Map(databases.map((each) => [keyOf(each.metadata.namespace, nameOf(each)), each]));
    const settings = deletionSettings(cluster);
    for (const [key, database] of this.#known) {
      if (!living.has(key) && isMeant(cluster.lastOf(database), settings, cluster.now()))
        removeObjects(cluster, key, settings);
    }
    this.#known = living;
  }
}

function deletionSettings(cluster: Cluster): DeletionSettings {
  const chart = cluster
    .list('helm.cattle.io/v1', 'HelmChart')
    .find((each) => [textAt(each, 'spec', 'chart'), nameOf(each)].includes('postgres-operator'));
  const values = parse(textAt(chart, 'spec', 'valuesContent') ?? '') as unknown;
  const isOn = (name: string) => at(values, 'configKubernetes', name) !== false;
  return {
    deletesSecrets: isOn('enable_secrets_deletion'),
    deletesClaims: isOn('enable_persistent_volume_claim_deletion'),
    nameKey: textAt(values, 'configKubernetes', 'delete_annotation_name_key'),
    dateKey: textAt(values, 'configKubernetes', 'delete_annotation_date_key'),
  };
}

/** Without the annotations its objects stay for ever: the event is not told twice. */
function isMeant(database: KubeObject, { nameKey, dateKey }: DeletionSettings, now: string): boolean {
  const { annotations = {} } = database.metadata;
  return (
    (nameKey === undefined || annotations[nameKey] === nameOf(database)) &&
    (dateKey === undefined || annotations[dateKey] === now.slice(0, 10))
  );
}

function removeObjects(cluster: Cluster, key: string, settings: DeletionSettings): void {
  const kinds: Kind[] = [...GOES];
  if (settings.deletesSecrets) kinds.push(['v1', 'Secret']);
  if (settings.deletesClaims) kinds.push(['v1', 'PersistentVolumeClaim']);
  for (const kind of kinds) {
    for (const object of cluster.list(...kind)) {
      const labels = stringsAt(object, 'metadata', 'labels');
      const isOfCluster =
        isRecord(labels) && ['spilo', 'db-connection-pooler'].includes(labels['application'] ?? '');
      if (isOfCluster && keyOf(object.metadata.namespace, labels['cluster-name'] ?? '') === key)
        cluster.delete(object);
    }
  }
}

function keyOf(namespace: string | undefined, name: string): string {
  return `${namespace ?? ''}/${name}`;
}
