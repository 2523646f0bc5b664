import { schemaGrantSql, schemaSql } from '@schooldb/client';
import type { StartOptions } from '@schooldb/local-cluster';
import type { Lab } from '../../config/lab.ts';
import { DeployError } from '../../errors/deploy-error.ts';

export const LOCAL_ENGINES = ['embedded', 'patroni'] as const;
export type LocalEngine = (typeof LOCAL_ENGINES)[number];

/** What one machine is made to carry: the local cluster's own limit. */
const MOST_INSTANCES = 8;
const NAME_LENGTH = 32;

/** By which the cluster is found while it runs. */
export function localName({ cluster }: Lab): string {
  return cluster.name.slice(0, NAME_LENGTH);
}

/**
 * The lab's cluster as the local cluster takes it. Pure.
 *
 * @throws DeployError where it has more instances than that.
 */
export function localOptions(lab: Lab, engine: LocalEngine): StartOptions {
  const { cluster } = lab;
  const { instances, patroni, database, user } = cluster;
  if (instances > MOST_INSTANCES)
    throw new DeployError({ code: 'too-many-for-local', instances, most: MOST_INSTANCES });
  const { max_connections: maxConnections, ...parameters } = cluster.parameters;
  return {
    name: localName(lab),
    engine,
    // Of Patroni's servers the newest that the machine has: its packages bring one.
    ...(engine === 'embedded'
      ? { version: cluster.postgres }
      : { promoteAfterMs: patroni.ttlSeconds * 1_000 }),
    replicas: instances - 1,
    synchronous: patroni.synchronous && instances > 1,
    database,
    user,
    maxConnections,
    settings: Object.fromEntries(
      Object.entries(parameters).map(([name, value]) => [
        name,
        typeof value === 'boolean' ? (value ? 'on' : 'off') : String(value),
      ]),
    ),
    poolers: 'auto',
    initSql: `${schemaSql()}\n${schemaGrantSql(user)}`,
  };
}
