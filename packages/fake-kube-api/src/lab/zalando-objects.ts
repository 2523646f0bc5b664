import { randomBytes } from 'node:crypto';
import { at, numberAt, stringsAt, textAt } from '../objects/json.ts';
import { nameOf, type KubeObject } from '../objects/kube-object.ts';

export type Role = 'master' | 'replica';

const ROLES: readonly Role[] = ['master', 'replica'];
const SPILO = 'ghcr.io/zalando/spilo-18:4.1-p2';
const PGBOUNCER = 'ghcr.io/zalando/postgres-operator/pgbouncer:v2.0.1';

function named(
  cluster: KubeObject,
  name: string,
  labels: Record<string, string>,
  annotations: Record<string, string> = {},
) {
  const { namespace } = cluster.metadata;
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    labels,
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  };
}

/** What every pod and object of the database carries. */
export function clusterLabels(cluster: KubeObject): Record<string, string> {
  return {
    application: 'spilo',
    'cluster-name': nameOf(cluster),
    team: textAt(cluster, 'spec', 'teamId') ?? '',
  };
}

/** By what of it they are selected. */
export function selectorLabels(cluster: KubeObject): Record<string, string> {
  return { application: 'spilo', 'cluster-name': nameOf(cluster) };
}

function isOn(cluster: KubeObject, option: string): boolean {
  return at(cluster, 'spec', option) === true;
}

/** A user's Secret. One that exists under its name is left as it is: its password wins. */
export function secrets(cluster: KubeObject): KubeObject[] {
  const pooler =
    isOn(cluster, 'enableConnectionPooler') || isOn(cluster, 'enableReplicaConnectionPooler')
      ? ['pooler']
      : [];
  const users = ['postgres', 'standby', ...pooler, ...Object.keys(stringsAt(cluster, 'spec', 'users'))];
  return users.map((username) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: named(
      cluster,
      `${username.replaceAll('_', '-')}.${nameOf(cluster)}.credentials.postgresql.acid.zalan.do`,
      clusterLabels(cluster),
    ),
    type: 'Opaque',
    stringData: { username, password: randomBytes(32).toString('base64url') },
  }));
}

function serviceSpec(cluster: KubeObject, isLoadBalancer: boolean, selector: Record<string, string>) {
  const ranges = at(cluster, 'spec', 'allowedSourceRanges') as string[] | undefined;
  return {
    type: isLoadBalancer ? 'LoadBalancer' : 'ClusterIP',
    selector,
    ports: [{ name: 'postgresql', port: 5432, targetPort: 5432 }],
    ...(isLoadBalancer
      ? // Without ranges of one's own nobody but the node itself gets in.
        {
          externalTrafficPolicy: 'Cluster',
          loadBalancerSourceRanges: ranges === undefined || ranges.length === 0 ? ['127.0.0.1/32'] : ranges,
        }
      : {}),
  };
}

/** The annotations of a role, which the operator puts on its pooler's service, too. */
function annotationsOf(cluster: KubeObject, role: Role): Record<string, string> {
  return {
    ...stringsAt(cluster, 'spec', 'serviceAnnotations'),
    ...stringsAt(
      cluster,
      'spec',
      role === 'master' ? 'masterServiceAnnotations' : 'replicaServiceAnnotations',
    ),
  };
}

export function databaseServices(cluster: KubeObject): KubeObject[] {
  return ROLES.map((role) => {
    const labels = { ...clusterLabels(cluster), 'spilo-role': role };
    const selector = { ...selectorLabels(cluster), 'spilo-role': role };
    const isLoadBalancer = isOn(
      cluster,
      role === 'master' ? 'enableMasterLoadBalancer' : 'enableReplicaLoadBalancer',
    );
    return {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: named(
        cluster,
        role === 'master' ? nameOf(cluster) : `${nameOf(cluster)}-repl`,
        labels,
        annotationsOf(cluster, role),
      ),
      spec: serviceSpec(cluster, isLoadBalancer, selector),
    };
  });
}

export function statefulSet(cluster: KubeObject): KubeObject {
  const labels = clusterLabels(cluster);
  const selector = selectorLabels(cluster);
  const size = textAt(cluster, 'spec', 'volume', 'size') ?? '1Gi';
  const storageClassName = textAt(cluster, 'spec', 'volume', 'storageClass');
  const resources = at(cluster, 'spec', 'resources');
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: named(cluster, nameOf(cluster), labels),
    spec: {
      replicas: numberAt(cluster, 'spec', 'numberOfInstances') ?? 1,
      serviceName: nameOf(cluster),
      podManagementPolicy: 'OrderedReady',
      updateStrategy: { type: 'OnDelete' },
      selector: { matchLabels: selector },
      template: {
        metadata: { labels },
        spec: {
          containers: [
            {
              name: 'postgres',
              image: SPILO,
              ports: [8008, 5432].map((containerPort) => ({ containerPort })),
              ...(resources === undefined ? {} : { resources }),
            },
          ],
          serviceAccountName: 'postgres-pod',
        },
      },
      volumeClaimTemplates: [
        {
          metadata: { name: 'pgdata' },
          spec: {
            accessModes: ['ReadWriteOnce'],
            resources: { requests: { storage: size } },
            ...(storageClassName === undefined ? {} : { storageClassName }),
          },
        },
      ],
    },
  };
}

export function poolers(cluster: KubeObject): KubeObject[] {
  return ROLES.flatMap((role) => {
    if (!isOn(cluster, role === 'master' ? 'enableConnectionPooler' : 'enableReplicaConnectionPooler'))
      return [];
    const name = `${nameOf(cluster)}-pooler${role === 'master' ? '' : '-repl'}`;
    const selector = { 'connection-pooler': name };
    const labels = { application: 'db-connection-pooler', 'cluster-name': nameOf(cluster), ...selector };
    const isLoadBalancer = isOn(
      cluster,
      role === 'master' ? 'enableMasterPoolerLoadBalancer' : 'enableReplicaPoolerLoadBalancer',
    );
    const replicas = numberAt(cluster, 'spec', 'connectionPooler', 'numberOfInstances') ?? 2;
    const image = textAt(cluster, 'spec', 'connectionPooler', 'dockerImage') ?? PGBOUNCER;
    const resources = at(cluster, 'spec', 'connectionPooler', 'resources');
    return [
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: named(cluster, name, labels),
        spec: {
          replicas,
          selector: { matchLabels: selector },
          template: {
            metadata: { labels },
            spec: {
              containers: [
                {
                  name: 'connection-pooler',
                  image,
                  ports: [{ containerPort: 5432 }],
                  ...(resources === undefined ? {} : { resources }),
                },
              ],
            },
          },
        },
      },
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: named(cluster, name, labels, annotationsOf(cluster, role)),
        spec: serviceSpec(cluster, isLoadBalancer, selector),
      },
    ];
  });
}

export function disruptionBudgets(cluster: KubeObject): KubeObject[] {
  const labels = selectorLabels(cluster);
  const budget = (name: string, minAvailable: number, selector: Record<string, string>) => ({
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: named(cluster, name, clusterLabels(cluster)),
    spec: { minAvailable, selector: { matchLabels: selector } },
  });
  return [
    budget(`postgres-${nameOf(cluster)}-pdb`, 1, { ...labels, 'spilo-role': 'master' }),
    budget(`postgres-${nameOf(cluster)}-critical-op-pdb`, 0, { ...labels, 'critical-operation': 'true' }),
  ];
}

/** Who leads, and what Patroni has written beside the lease. */
export interface Leadership {
  readonly leader: string;
  readonly optime: number;
  readonly confirming: readonly string[];
}

/** What Patroni itself keeps in the cluster, where ConfigMaps are used instead of Endpoints. */
export function patroniState(cluster: KubeObject, now: Leadership | undefined): KubeObject[] {
  const ttl = String(numberAt(cluster, 'spec', 'patroni', 'ttl') ?? 30);
  const annotations: Record<string, Record<string, string>> = {
    config: { initialize: '7000000000000000001' },
    failover: {},
    leader: now === undefined ? {} : { leader: now.leader, ttl, optime: String(now.optime) },
    sync: now === undefined ? {} : { leader: now.leader, sync_standby: now.confirming.join(',') },
  };
  return Object.entries(annotations).map(([suffix, each]) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: named(cluster, `${nameOf(cluster)}-${suffix}`, clusterLabels(cluster), each),
  }));
}
