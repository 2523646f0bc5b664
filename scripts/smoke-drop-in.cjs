/**
 * An app that says `pg` and nothing else, as CommonJS; started with `--import @schooldb/client/register`. Its primary is
 * killed on the way, and it listens to no 'error'.
 */
const assert = require('node:assert/strict');
const pg = require('pg');

async function main() {
  const { startCluster } = await import('@schooldb/local-cluster');
  const cluster = await startCluster({ replicas: 1, promoteAfterMs: 500, user: 'app', poolers: false });
  try {
    const { database, user, password, ca, endpoints } = cluster;
    const pool = new pg.Pool({ ...endpoints.master, database, user, password, ssl: { ca } });
    await pool.query('CREATE TABLE note (n integer PRIMARY KEY)');
    await cluster.fault('kill-primary');
    // Where it was sent before the end of its connection was heard, its outcome is unknown: its key lets it be repeated.
    const insert = () => pool.query('INSERT INTO note VALUES (1) ON CONFLICT DO NOTHING');
    await insert().catch(insert);
    assert.deepEqual((await pool.query('SELECT n FROM note')).rows, [{ n: 1 }]);
    // By `import` it is the same, and so is what has a name of its own.
    assert.equal((await import('pg')).Pool, pg.Pool);
    assert.equal(require('@schooldb/client/pg').Pool, pg.Pool);
    await pool.end();
  } finally {
    await cluster.stop();
  }
  console.log(`Node ${process.versions.node}: an app on pg through the death of the primary`);
}

void main();
