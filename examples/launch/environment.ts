import type { Cluster } from '@schooldb/local-cluster';

/** Where the cluster is, as `createSchoolDb()` and every program that knows libpq's variables find it. */
export function environmentOf(cluster: Cluster): Record<string, string> {
  const { endpoints, database, user, password } = cluster;
  const { host, port } = endpoints.master;
  const caFile = new URL(cluster.connectionString()).searchParams.get('sslrootcert') ?? '';
  const own = Object.entries(endpoints).map(([kind, address]) => [
    `SCHOOLDB_${kind.replace('Pooler', '_pooler').toUpperCase()}`,
    `${address.host}:${address.port}`,
  ]);
  return {
    PGHOST: host,
    PGPORT: String(port),
    PGDATABASE: database,
    PGUSER: user,
    PGPASSWORD: password,
    PGSSLMODE: 'verify-full',
    PGSSLROOTCERT: caFile,
    // pg does not know the variable above.
    NODE_EXTRA_CA_CERTS: caFile,
    DATABASE_URL: cluster.connectionString(),
    ...Object.fromEntries(own),
  };
}
