/** What the lab says to PostgreSQL, said to a real one. */
import { readFile, writeFile } from 'node:fs/promises';
import { startCluster } from '@schooldb/local-cluster';
import type { Cluster } from '@schooldb/local-cluster';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgresql } from '../src/manifests/postgresql.ts';
import type { Kube } from '../src/manifests/schema/kinds.ts';
import { shippedLab, stepsOf } from '../scripts/crds/shipped.ts';

const lab = shippedLab('lab.yaml');
const { spec } = postgresql(lab).object as Kube<'postgresql'>;

let cluster: Cluster;
let superuser: pg.Client;
beforeAll(async () => {
  cluster = await startCluster({ replicas: 0, poolers: false });
  const { host, port } = cluster.endpoints.master;
  superuser = new pg.Client({
    ...cluster.superuser,
    host,
    port,
    database: cluster.database,
    ssl: { ca: cluster.ca },
  });
  superuser.on('error', () => {});
  await superuser.connect();
});
afterAll(async () => {
  await superuser.end();
  await cluster.stop();
});

describe('PostgreSQL', () => {
  it('reads every rule of pg_hba as it is meant', async () => {
    const { rows: shown } = await superuser.query<{ hba_file: string }>('SHOW hba_file');
    const file = shown[0]?.hba_file ?? '';
    const before = await readFile(file, 'utf8');
    try {
      // The view reads the file anew; the server itself goes on with what it has.
      await writeFile(file, `${spec.patroni.pg_hba.join('\n')}\n`);
      const { rows } = await superuser.query<{ rule: string; error: string | null }>(
        `SELECT concat_ws(' ', type, array_to_string(database, ','), array_to_string(user_name, ','), address,
           auth_method) AS rule, error FROM pg_hba_file_rules ORDER BY line_number`,
      );
      const meant = spec.patroni.pg_hba.map((rule) => rule.replace(/\/\d+/, ''));
      expect(rows).toEqual(meant.map((rule) => ({ rule, error: null })));
    } finally {
      await writeFile(file, before);
    }
  });

  it('accepts every setting of the lab, and the version is one of its own', async () => {
    for (const [name, value] of Object.entries(spec.postgresql.parameters))
      await superuser.query(`ALTER SYSTEM SET ${pg.escapeIdentifier(name)} = ${pg.escapeLiteral(value)}`);
    await superuser.query('ALTER SYSTEM RESET ALL');
    const { rows } = await superuser.query<{ server_version_num: string }>('SHOW server_version_num');
    expect(rows[0]?.server_version_num.slice(0, 2)).toBe(spec.postgresql.version);
  });

  it('runs the helper SQL twice as one transaction, and lets the user in', async () => {
    const [config] = stepsOf(lab)
      .flatMap(({ manifests }) => manifests.map(({ object }) => object))
      .filter((object): object is Kube<'ConfigMap'> => object.kind === 'ConfigMap');
    const sql = config?.data['schooldb.sql'] ?? '';
    for (let run = 0; run < 2; run += 1) await superuser.query(`BEGIN; ${sql}; COMMIT`);
    const { rows } = await superuser.query<{ allowed: boolean }>(
      "SELECT has_function_privilege($1, 'schooldb.settle(uuid, bigint)', 'EXECUTE') AS allowed",
      [lab.cluster.user],
    );
    expect(rows).toEqual([{ allowed: true }]);
  });
});
