/** What `schooldb.sql` installs, on real servers. */
import { readFileSync } from 'node:fs';
import type { Cluster } from '@schooldb/local-cluster';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { schemaGrantSql, schemaSql } from '../../src/index.ts';
import { clientOf, startTestCluster, until } from '../support/with-cluster.ts';

const SLOT = '00000000-0000-4000-8000-00000000000';
const FIRST_VERSION = readFileSync(new URL('./fixtures/schooldb-1.sql', import.meta.url), 'utf8');

let cluster: Cluster;
const open: Client[] = [];

beforeAll(async () => {
  cluster = await startTestCluster({ replicas: 1 });
});

afterAll(async () => {
  await Promise.all(open.map((client) => client.end().catch(() => {})));
  await cluster.stop();
});

interface Target {
  readonly user?: { user: string; password: string };
  readonly database?: string;
  readonly kind?: 'master' | 'replica';
}

async function connect({ user = cluster, database, kind = 'master' }: Target = {}): Promise<Client> {
  const { host, port } = cluster.endpoints[kind]!;
  const client = new Client({
    host,
    port,
    database: database ?? cluster.database,
    user: user.user,
    password: user.password,
    ssl: { ca: cluster.ca },
  });
  client.on('error', () => {});
  await client.connect();
  open.push(client);
  return client;
}

/** An empty database, and its owner's and the app's connection to it. */
async function freshDatabase(name: string, owner = cluster.superuser): Promise<Client> {
  const superuser = await connect({ user: cluster.superuser });
  await superuser.query(`CREATE DATABASE ${name}`);
  return connect({ user: owner, database: name });
}

async function one(client: Client, text: string, values: unknown[] = []): Promise<Record<string, unknown>> {
  return (await client.query(text, values)).rows[0] as Record<string, unknown>;
}

describe('the schema', () => {
  it('can be installed again, and over its first version, and keeps what is there', async () => {
    const owner = await freshDatabase('migrated');
    await owner.query(FIRST_VERSION);
    await owner.query('SELECT schooldb.mark($1, 7)', [`${SLOT}1`]);
    for (let time = 0; time < 2; time += 1) await owner.query(schemaSql());
    expect(await one(owner, 'SELECT schooldb.version() AS version')).toEqual({ version: 2 });
    expect(await one(owner, 'SELECT schooldb.settle($1, 7) AS committed', [`${SLOT}1`])).toEqual({
      committed: true,
    });
  });

  it('does not replace a newer one', async () => {
    const owner = await freshDatabase('newer');
    await owner.query(schemaSql());
    await owner.query(
      "CREATE OR REPLACE FUNCTION schooldb.version() RETURNS integer LANGUAGE sql AS 'SELECT 3'",
    );
    await expect(owner.query(schemaSql())).rejects.toThrow('version 3 is installed, which is newer');
    expect(await one(owner, 'SELECT schooldb.version() AS version')).toEqual({ version: 3 });
  });

  it('gives the app the functions and nothing else, and others not even those', async () => {
    const owner = await freshDatabase('rights');
    await owner.query(schemaSql());
    const app = await connect({ database: 'rights' });
    await expect(app.query('SELECT schooldb.mark($1, 1)', [`${SLOT}1`])).rejects.toMatchObject({
      code: '42501',
    });
    await owner.query(schemaGrantSql(cluster.user));
    await app.query('SELECT schooldb.mark($1, 1)', [`${SLOT}1`]);
    for (const text of ['SELECT FROM', 'DELETE FROM', 'INSERT INTO', 'UPDATE'])
      await expect(
        app.query(
          `${text} schooldb.commit_slot ${text === 'UPDATE' ? 'SET seq = 9' : text === 'INSERT INTO' ? 'DEFAULT VALUES' : ''}`,
        ),
      ).rejects.toMatchObject({ code: '42501' });
    await expect(app.query('CREATE TABLE schooldb.mine ()')).rejects.toMatchObject({ code: '42501' });
  });

  it('tells less of the lineage where its owner is no superuser, and the rest works', async () => {
    const owner = await freshDatabase('owned', cluster.superuser);
    await owner.query(`ALTER DATABASE owned OWNER TO ${cluster.user}`);
    const app = await connect({ database: 'owned' });
    await app.query(schemaSql());
    await app.query('SELECT schooldb.mark($1, 1)', [`${SLOT}1`]);
    expect(await one(app, 'SELECT * FROM schooldb.lineage()')).toMatchObject({
      system_id: expect.stringMatching(/^\d+$/),
      in_recovery: false,
      timeline: expect.any(Number),
      incarnation: null,
    });
  });
});

describe('commit slots', () => {
  async function slots(owner: Client): Promise<string[]> {
    const { rows } = await owner.query<{ slot: string }>(
      'SELECT slot FROM schooldb.commit_slot ORDER BY slot',
    );
    return rows.map(({ slot }) => slot.slice(-2));
  }

  it('that nobody has used for a day are swept when another is used for the first time', async () => {
    const owner = await freshDatabase('swept');
    await owner.query(schemaSql());
    await owner.query(`INSERT INTO schooldb.commit_slot (slot, seq, at)
      SELECT ('${SLOT}0'::text)::uuid, 1, now() - interval '23 hours'
      UNION ALL SELECT ('00000000-0000-4000-8000-0000000001' || lpad(n::text, 2, '0'))::uuid, 1, now() - interval '25 hours'
      FROM generate_series(10, 21) n`);
    await owner.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
    await owner.query('SELECT schooldb.mark($1, 1)', [`${SLOT}1`]);
    await owner.query('COMMIT');
    expect(await slots(owner)).toHaveLength(14);
    await owner.query('SELECT schooldb.mark($1, 2)', [`${SLOT}1`]);
    expect(await slots(owner)).toHaveLength(14);
    await owner.query('SELECT schooldb.mark($1, 1)', [`${SLOT}2`]);
    expect(await slots(owner)).toHaveLength(5);
    await owner.query('SELECT schooldb.mark($1, 1)', [`${SLOT}3`]);
    expect(await slots(owner)).toEqual(['00', '01', '02', '03']);
  });

  it('are swept without waiting for one that somebody holds', async () => {
    const owner = await freshDatabase('held');
    await owner.query(schemaSql());
    await owner.query('INSERT INTO schooldb.commit_slot (slot, at) VALUES ($1, $2)', [
      `${SLOT}0`,
      '2020-01-01',
    ]);
    const holder = await connect({ user: cluster.superuser, database: 'held' });
    await holder.query(`BEGIN; SELECT schooldb.mark('${SLOT}0', 1)`);
    await owner.query('SELECT schooldb.mark($1, 1)', [`${SLOT}1`]);
    await holder.query('COMMIT');
    expect(await slots(owner)).toEqual(['00', '01']);
  });
});

describe('the lineage', () => {
  it('is told by primary and standby, before and after a promotion', async () => {
    const before = {
      primary: await one(await connect(), 'SELECT * FROM schooldb.lineage()'),
      standby: await one(await connect({ kind: 'replica' }), 'SELECT * FROM schooldb.lineage()'),
    };
    const { system_id } = before.primary;
    expect(before).toMatchObject({
      primary: {
        in_recovery: false,
        timeline: 1,
        switches: [],
        incarnation: expect.stringMatching(/^\d{16}$/),
      },
      standby: { in_recovery: true, timeline: 1, switches: [], system_id },
    });
    await cluster.fault('switchover');
    const db = clientOf(cluster);
    await db.write('SELECT 1');
    await db.close();
    const primary = await one(await connect(), 'SELECT * FROM schooldb.lineage()');
    expect(primary).toMatchObject({
      system_id,
      in_recovery: false,
      timeline: 2,
      switches: [[1, expect.stringMatching(/^[0-9A-F]+\/[0-9A-F]+$/)]],
      // It was promoted, and has not lost its memory since.
      incarnation: before.standby['incarnation'],
    });
    const timelineOfStandby = async () => {
      const standby = await connect({ kind: 'replica' });
      return (await one(standby, 'SELECT timeline FROM schooldb.lineage()'))['timeline'];
    };
    // Until the old primary has come back as one, nobody stands there.
    await until(
      'the standby follows on the new timeline',
      async () => (await timelineOfStandby().catch(() => 0)) === 2,
    );
  });
});
