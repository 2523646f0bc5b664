import { schemaGrantSql, schemaSql } from '@schooldb/client';
import { CLUSTER_DEFAULTS, startCluster } from '@schooldb/local-cluster';
import type { Cluster } from '@schooldb/local-cluster';
import type { EngineName } from '../options/engine.ts';
import type { Target, Tls } from '../drivers/target.ts';
import { OBSERVER_NAME, watching } from './bed.ts';
import type { Bed } from './bed.ts';

export interface ClusterBedOptions {
  /** @defaultValue 'embedded' */
  engine?: EngineName;
  replicas: number;
  synchronous: boolean;
  /** How long after the loss of the primary a standby takes over, in milliseconds; Patroni has times of its own. */
  promoteAfterMs: number;
  /** Further settings of the servers. */
  settings?: Record<string, string>;
  /** Size of each server's own file system, which `disk-full` fills. @defaultValue false */
  diskMb?: number | false;
  /** With a PgBouncer in front of each address, where it is installed. @defaultValue false */
  poolers?: 'auto' | false;
  /** The addresses end TLS on every connection, so that cuts hit those that are open. @defaultValue false */
  terminateTls?: boolean;
  signal: AbortSignal;
}

export type ClusterBed = Bed & { cluster: Cluster };

/**
 * Starts a cluster on this machine, with the schema that exactly-once needs.
 *
 * @throws ClusterError where this machine lacks what the engine needs, or the start fails.
 */
export async function clusterBed(options: ClusterBedOptions): Promise<ClusterBed> {
  const { engine = 'embedded', replicas, synchronous } = options;
  const cluster = await startCluster({
    ...options,
    engine,
    poolers: options.poolers ?? false,
    initSql: `${schemaSql()}\n${schemaGrantSql(CLUSTER_DEFAULTS.user)}`,
  });
  const kind =
    replicas === 0 ? 'one server' : `${replicas + 1} servers, ${synchronous ? '' : 'a'}synchronous`;
  return {
    description: `${engine} cluster, ${kind}`,
    target: targetOf(cluster),
    servers: watchedServers(cluster),
    cluster,
    synchronous,
    close: () => cluster.stop(),
  };
}

function targetOf(cluster: Cluster): Target {
  const { endpoints, database, user, password } = cluster;
  return {
    master: endpoints.master,
    replica: endpoints.replica ?? null,
    database,
    user,
    password,
    tls: tlsOf(cluster),
  };
}

/** Every server itself, past the virtual IPs, so that no fault of the network hides it. */
function watchedServers(cluster: Cluster): Bed['servers'] {
  return cluster.servers.map(({ name, host, port }) => ({
    name,
    connection: watching({
      address: { host, port },
      database: cluster.database,
      ...cluster.superuser,
      tls: tlsOf(cluster),
      applicationName: OBSERVER_NAME,
      connectTimeoutMs: 0,
      queryTimeoutMs: 0,
    }),
  }));
}

function tlsOf(cluster: Cluster): Tls {
  return { ca: cluster.ca, verify: true };
}
