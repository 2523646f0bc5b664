/** Tests of the client say themselves what it finds in its environment: the machine's own must not decide. */
const OF_THE_CLUSTER = /^SCHOOLDB_(?:POSTGRES_|TEST_KUBECONFIG$)/;

for (const name of Object.keys(process.env)) {
  if (/^(?:PG[A-Z]|SCHOOLDB_|DATABASE_URL$)/.test(name) && !OF_THE_CLUSTER.test(name))
    delete process.env[name];
}
