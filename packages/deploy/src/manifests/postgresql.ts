import type { Lab } from '../config/lab.ts';
import { databaseLabels, ownLabels, tlsSecretName } from './manifest.ts';
import type { Manifest } from './manifest.ts';

/** Fields of ours that operators before 2.0 do not know. */
export const FIELDS_SINCE_2 = ['topologySpreadConstraints'] as const;

/** The group of Spilo's image that may read mounted keys. */
const SPILO_GROUP = 103;

export function postgresql(lab: Lab): Manifest {
  const { cluster, network } = lab;
  const { patroni, pooler } = cluster;
  return {
    object: {
      apiVersion: 'acid.zalan.do/v1',
      kind: 'postgresql',
      metadata: {
        name: cluster.name,
        namespace: cluster.namespace,
        labels: { ...ownLabels(lab), team: cluster.team },
      },
      spec: {
        teamId: cluster.team,
        numberOfInstances: cluster.instances,
        postgresql: { version: `${cluster.postgres}`, parameters: parameters(lab) },
        volume: { size: cluster.volume.size, storageClass: cluster.volume.storageClass },
        users: { [cluster.user]: [] },
        databases: { [cluster.database]: cluster.user },
        enableMasterLoadBalancer: true,
        enableReplicaLoadBalancer: true,
        enableConnectionPooler: true,
        enableReplicaConnectionPooler: true,
        enableMasterPoolerLoadBalancer: true,
        enableReplicaPoolerLoadBalancer: true,
        allowedSourceRanges: [...network.clientNetworks],
        connectionPooler: {
          numberOfInstances: pooler.instances,
          mode: pooler.mode,
          maxDBConnections: pooler.maxDbConnections,
          resources: pooler.resources,
        },
        // A null here is what the API server drops and every validator refuses.
        ...(cluster.maintenanceWindows === undefined
          ? {}
          : { maintenanceWindows: [...cluster.maintenanceWindows] }),
        spiloFSGroup: SPILO_GROUP,
        tls: { secretName: tlsSecretName(lab), caFile: 'ca.crt' },
        patroni: {
          ttl: patroni.ttlSeconds,
          loop_wait: patroni.loopWaitSeconds,
          retry_timeout: patroni.retryTimeoutSeconds,
          maximum_lag_on_failover: patroni.maximumLagBytes,
          synchronous_mode: patroni.synchronous,
          synchronous_mode_strict: patroni.strictlySynchronous,
          synchronous_node_count: patroni.synchronousNodes,
          failsafe_mode: patroni.failsafe,
          pg_hba: pgHba(lab),
        },
        resources: cluster.resources,
        topologySpreadConstraints: [
          {
            maxSkew: 1,
            topologyKey: 'kubernetes.io/hostname',
            // Local volumes tie an instance to its first node for good: rather wait than start all on one.
            whenUnsatisfiable: 'DoNotSchedule',
            // The operator means to add it, and writes it to a copy.
            labelSelector: { matchLabels: databaseLabels(lab) },
          },
        ],
      },
    },
  };
}

/** As texts, which is all that the resource takes; in order, so that the same lab gives the same bytes. */
function parameters({ cluster }: Lab): Record<string, string> {
  const all = {
    ...cluster.parameters,
    password_encryption: 'scram-sha-256',
    // The client's doctor and a person after a failover ask when something was committed.
    track_commit_timestamp: 'on',
  };
  return Object.fromEntries(
    Object.entries(all)
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, value]) => [name, typeof value === 'boolean' ? (value ? 'on' : 'off') : String(value)]),
  );
}

/**
 * Who may log in, from where: the whole file, in PostgreSQL's order. What comes through a load balancer bears the address
 * of the node that took it, which is one of the pod network; so do the poolers, the standbys and the operator.
 */
function pgHba({ network }: Lab): string[] {
  return [
    // Inside the container: Patroni and the operator's scripts.
    'local all all trust',
    'local replication standby trust',
    'host all all 127.0.0.1/32 scram-sha-256',
    'host all all ::1/128 scram-sha-256',
    'hostnossl all all all reject',
    `hostssl replication standby ${network.podNetwork} scram-sha-256`,
    `hostssl all all ${network.podNetwork} scram-sha-256`,
    ...network.clientNetworks.map((clients) => `hostssl all all ${clients} scram-sha-256`),
  ];
}
