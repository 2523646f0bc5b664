/**
 * What an app would do with the published packages, on whatever Node runs this: a real cluster, a client, a primary
 * that is killed, every write there once. Ends with exit code 0 or says what is wrong.
 */
import assert from 'node:assert/strict';
import { createSchoolDb, schemaGrantSql, schemaSql } from '@schooldb/client';
import { startCluster } from '@schooldb/local-cluster';

const WRITES = 200;

const cluster = await startCluster({
  replicas: 1,
  promoteAfterMs: 500,
  user: 'app',
  poolers: false,
  initSql: `${schemaSql()}\n${schemaGrantSql('app')}`,
});
try {
  const { master, replica } = cluster.endpoints;
  const { database, user, password, ca } = cluster;
  const db = createSchoolDb({ endpoints: { master, replica }, database, user, password, tls: { ca } });
  await db.write('CREATE TABLE note (n integer)');
  const writer = async (from) => {
    for (let n = from; n < WRITES; n += 10) {
      if (n === WRITES / 2) await cluster.fault('kill-primary');
      await db.write('INSERT INTO note VALUES ($1)', [n], { exactlyOnce: true });
    }
  };
  await Promise.all(Array.from({ length: 10 }, (_, from) => writer(from)));
  const { rows } = await db.query(
    'SELECT count(*)::int AS written, count(DISTINCT n)::int AS different FROM note',
  );
  assert.deepEqual(rows, [{ written: WRITES, different: WRITES }]);
  assert.equal((await cluster.status()).timeline, 2);
  await db.close();
} finally {
  await cluster.stop();
}
console.log(
  `Node ${process.versions.node}: ${WRITES} writes through the death of the primary, each there once`,
);
