import { startCluster } from '@schooldb/local-cluster';
import type { Cluster, ClusterOptions, PostgresVersion } from '@schooldb/local-cluster';
import { createSchoolDb, schemaGrantSql, schemaSql } from '../../src/index.ts';
import type { AnySchema, ClientEvents, SchoolDb, SchoolDbOptions } from '../../src/index.ts';

/** The major that a test run asks for, `npm test -- --postgres 18`; otherwise the cluster's own default. */
function wantedVersion(): Pick<ClusterOptions, 'version'> {
  const wanted = process.env['SCHOOLDB_POSTGRES_VERSION'];
  return wanted === undefined ? {} : { version: Number(wanted) as PostgresVersion };
}

/** A cluster with the schema `schooldb` installed and granted. */
export function startTestCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const user = 'app';
  return startCluster({
    user,
    poolers: false,
    ...wantedVersion(),
    initSql: `${schemaSql()}\n${schemaGrantSql(user)}`,
    ...options,
  });
}

/** A client for the cluster; `options` go before what the cluster says. */
export function clientOf<Schema = AnySchema>(
  cluster: Cluster,
  options: Partial<SchoolDbOptions> = {},
): SchoolDb<Schema> {
  const { database, user, password, ca, endpoints } = cluster;
  const addresses = Object.fromEntries(
    Object.entries(endpoints).filter(([, address]) => address !== undefined),
  );
  return createSchoolDb<Schema>({
    endpoints: addresses,
    database,
    user,
    password,
    tls: { ca },
    ...options,
  });
}

/** Collects what the client tells, by name. */
export function record<Name extends keyof ClientEvents>(db: SchoolDb, name: Name): ClientEvents[Name][] {
  const seen: ClientEvents[Name][] = [];
  db.on(name, (event) => seen.push(event));
  return seen;
}

/** Resolves when the condition holds; it is looked at again and again. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  limitMs = 60_000,
): Promise<void> {
  const end = Date.now() + limitMs;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`still waiting after ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Every server runs and has its role again: for the next test, after whatever this one did to them. */
export function untilWhole(cluster: Cluster): Promise<void> {
  return until('the cluster is whole', async () => {
    const { servers } = await cluster.status();
    return servers.every(({ state, role }) => state === 'running' && role !== 'unknown');
  });
}
