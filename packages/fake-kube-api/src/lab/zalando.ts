import type { Cluster } from '../controllers/cluster.ts';
import type { Controller } from '../controllers/controller.ts';
import { isReady } from '../controllers/workloads/pods.ts';
import { at, numberAt, sameJson, textAt } from '../objects/json.ts';
import { nameOf, type KubeObject } from '../objects/kube-object.ts';
import type { LabFaults } from './lab-faults.ts';
import type { Patroni } from './patroni.ts';
import { CleanUp } from './zalando-clean-up.ts';
import {
  selectorLabels,
  databaseServices,
  disruptionBudgets,
  patroniState,
  poolers,
  secrets,
  statefulSet,
} from './zalando-objects.ts';

export interface ZalandoOptions {
  readonly faults: LabFaults;
  readonly patroni: Patroni;
}

const NAME = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
type Kind = readonly [apiVersion: string, kind: string];
const POOLER_KINDS: readonly Kind[] = [
  ['apps/v1', 'Deployment'],
  ['v1', 'Service'],
];
/** The Zalando operator, with Patroni as far as it shows in the cluster: a `postgresql` becomes a database. */
export function zalandoOperator({ faults, patroni }: ZalandoOptions): Controller {
  const cleanUp = new CleanUp();
  return {
    name: 'postgres-operator',
    reconcile(cluster) {
      if (!isInstalled(cluster)) return;
      const databases = cluster.list('acid.zalan.do/v1', 'postgresql');
      for (const each of databases) reconcileDatabase(cluster, each, faults, patroni);
      cleanUp.reconcile(cluster, databases);
    },
  };
}

/** Whether the operator runs: a Deployment of its name with a pod that is ready. */
function isInstalled(cluster: Cluster): boolean {
  return cluster
    .list('apps/v1', 'Deployment')
    .some(
      (each) => nameOf(each) === 'postgres-operator' && (numberAt(each, 'status', 'readyReplicas') ?? 0) > 0,
    );
}

function reconcileDatabase(
  cluster: Cluster,
  database: KubeObject,
  faults: LabFaults,
  patroni: Patroni,
): void {
  const setStatus = (status: string) =>
    cluster.status(database, { PostgresClusterStatus: faults.stuckStatus.get(nameOf(database)) ?? status });
  if (!NAME.test(nameOf(database)) || nameOf(database).length > 58) return setStatus('Invalid');
  const before = textAt(database, 'status', 'PostgresClusterStatus');
  if (before === undefined) setStatus('Creating');
  for (const object of [
    ...secrets(database),
    ...patroniState(database, undefined),
    ...disruptionBudgets(database),
  ])
    cluster.ensure(object);
  for (const object of [...databaseServices(database), statefulSet(database), ...poolers(database)])
    sync(cluster, object);
  removePoolers(cluster, database);
  elect(cluster, database, patroni);
  if (isComplete(cluster, database)) setStatus('Running');
  else if (before === 'Running' || before === 'Updating') setStatus('Updating');
  else setStatus('Creating');
}

/** Creates an object, or makes it again as the operator wants it: what others changed in these fields does not last. */
function sync(cluster: Cluster, wanted: KubeObject): void {
  cluster.ensure(wanted);
  const found = cluster.get(wanted.apiVersion, wanted.kind, wanted.metadata.namespace ?? '', nameOf(wanted));
  const fields =
    wanted.kind === 'Service'
      ? ['type', 'selector', 'loadBalancerSourceRanges', 'externalTrafficPolicy']
      : ['replicas'];
  const change: Record<string, unknown> = {};
  for (const field of fields) {
    const [now, then] = [at(wanted, 'spec', field), at(found, 'spec', field)];
    // A cluster address that becomes public, or the other way round, loses what only the other kind has.
    if (!sameJson(now, then)) change[field] = now ?? null;
  }
  if (found !== undefined && Object.keys(change).length > 0) cluster.patch(found, { spec: change });
}

function removePoolers(cluster: Cluster, database: KubeObject): void {
  const wanted = poolers(database).map(nameOf);
  for (const kind of POOLER_KINDS) {
    for (const each of cluster.list(...kind, database.metadata.namespace)) {
      const { labels = {} } = each.metadata;
      const isPooler =
        labels['application'] === 'db-connection-pooler' && labels['cluster-name'] === nameOf(database);
      if (isPooler && !wanted.includes(nameOf(each))) cluster.delete(each);
    }
  }
}

function podsOf(cluster: Cluster, database: KubeObject): KubeObject[] {
  const labels = selectorLabels(database);
  return cluster
    .list('v1', 'Pod', database.metadata.namespace)
    .filter(({ metadata }) =>
      Object.entries(labels).every(([key, value]) => metadata.labels?.[key] === value),
    );
}

/**
 * Patroni: one member that is ready leads; its pod says so in a label, and the others follow. What each says of itself
 * is in an annotation of its pod; who confirms writes, and how far the leader is, in ConfigMaps.
 */
function elect(cluster: Cluster, database: KubeObject, patroni: Patroni): void {
  const members = podsOf(cluster, database).filter(
    (pod) => isReady(pod) && pod.metadata.deletionTimestamp === undefined,
  );
  const chosen = patroni.leaders.get(nameOf(database));
  // The label of the one that led goes with its pod.
  if (chosen === null) return;
  const leader =
    members.find((pod) => nameOf(pod) === chosen) ??
    members.find(({ metadata }) => metadata.labels?.['spilo-role'] === 'master') ??
    members[0];
  if (leader === undefined) return;
  const timeline = patroni.timelineUnder(nameOf(database), nameOf(leader));
  for (const pod of members) {
    const label = pod === leader ? 'master' : 'replica';
    if (pod.metadata.labels?.['spilo-role'] !== label)
      cluster.patch(pod, { metadata: { labels: { 'spilo-role': label } } });
    const said = patroni.statusOf(nameOf(pod), pod === leader ? 'primary' : 'replica', timeline);
    annotate(cluster, pod, { status: JSON.stringify(said) });
  }
  const standbys = members.filter((pod) => pod !== leader).map(nameOf);
  const isSynchronous = at(database, 'spec', 'patroni', 'synchronous_mode') === true;
  const confirming = patroni.confirming.get(nameOf(database)) ?? (isSynchronous ? standbys.slice(0, 1) : []);
  const optime = patroni.optimeOf(nameOf(leader));
  for (const state of patroniState(database, { leader: nameOf(leader), optime, confirming })) {
    const found = cluster.get('v1', 'ConfigMap', database.metadata.namespace ?? '', nameOf(state));
    if (found !== undefined) annotate(cluster, found, state.metadata.annotations ?? {});
  }
}

function annotate(cluster: Cluster, object: KubeObject, annotations: Readonly<Record<string, string>>): void {
  const { annotations: present = {} } = object.metadata;
  if (Object.entries(annotations).some(([key, value]) => present[key] !== value))
    cluster.patch(object, { metadata: { annotations } });
}

function isComplete(cluster: Cluster, database: KubeObject): boolean {
  const instances = numberAt(database, 'spec', 'numberOfInstances') ?? 1;
  const ready = podsOf(cluster, database).filter(isReady);
  const isPooled = poolers(database)
    .filter(({ kind }) => kind === 'Deployment')
    .every((wanted) => {
      const found = cluster.get('apps/v1', 'Deployment', wanted.metadata.namespace ?? '', nameOf(wanted));
      return (numberAt(found, 'status', 'readyReplicas') ?? 0) >= (numberAt(wanted, 'spec', 'replicas') ?? 1);
    });
  return ready.length === instances && isPooled;
}
