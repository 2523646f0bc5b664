/** What reads must not miss, on real servers: replicas that are late, that differ, and that are promoted. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Cluster } from '@schooldb/local-cluster';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { SchoolDb, SchoolDbOptions, Session } from '../../src/index.ts';
import { Watermark } from '../../src/policy/watermark.ts';
import { readSessionToken, sessionTokenOf } from '../../src/router/session-token.ts';
import { startCountingProxy } from '../support/counting-proxy.ts';
import { clientOf, startTestCluster, until, untilWhole } from '../support/with-cluster.ts';

/** Longer than any of these tests takes. */
const LATE = { lagMs: 120_000 };
const READ = `SELECT count(*)::integer AS rows, pg_is_in_recovery() AS standby, inet_server_port() AS port FROM note`;

interface Read {
  readonly rows: number;
  readonly standby: boolean;
  readonly port: number;
}

let cluster: Cluster;
const clients: SchoolDb[] = [];

function client(options: Partial<SchoolDbOptions> = {}): SchoolDb {
  const { master, replica } = cluster.endpoints;
  const db = clientOf(cluster, { endpoints: { master, replica: replica! }, ...options });
  clients.push(db);
  return db;
}

async function look(by: SchoolDb | Session): Promise<Read> {
  const { rows } = await by.read<Read & Record<string, unknown>>(READ);
  return rows[0]!;
}

async function rowsOnPrimary(by: SchoolDb): Promise<number> {
  return (await by.write<Read & Record<string, unknown>>(READ)).rows[0]!.rows;
}

function note(by: SchoolDb | Session): Promise<unknown> {
  return by.write('INSERT INTO note DEFAULT VALUES');
}

/** Resolves when such a read is served by a standby: none may have caught up yet. */
async function untilOnStandby(by: SchoolDb | Session): Promise<void> {
  await until('a standby serves it', async () => (await look(by)).standby);
}

beforeAll(async () => {
  cluster = await startTestCluster({ replicas: 2, promoteAfterMs: 500, poolers: 'auto' });
  await client().write(
    'CREATE TABLE note (id bigint GENERATED ALWAYS AS IDENTITY, at timestamptz DEFAULT now())',
  );
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((db) => db.close()));
  await cluster.undoAllFaults();
  await untilWhole(cluster);
});

afterAll(() => cluster.stop());

describe('read your writes', () => {
  it('needs no round trip beside the read itself on a replica that has it', async () => {
    const master = await startCountingProxy(cluster.endpoints.master);
    const replica = await startCountingProxy(cluster.endpoints.replica!);
    try {
      const db = client({ endpoints: { master: master.address, replica: replica.address } });
      for (const reader of [db, db.session()]) {
        await note(reader);
        await untilOnStandby(reader);
        let inARow = 0;
        // On a busy machine a replica may be late for one of them, or a probe come in between.
        await until('a few reads in a row cost a standby one round trip, and the primary none', async () => {
          const before = master.roundTrips;
          await note(reader);
          const [written, beforeRead] = [master.roundTrips - before, replica.roundTrips];
          const { standby } = await look(reader);
          const read = {
            master: master.roundTrips - before - written,
            replica: replica.roundTrips - beforeRead,
          };
          const cheap = standby && written === 1 && read.replica === 1 && read.master === 0;
          inARow = cheap ? inARow + 1 : 0;
          return inARow >= 3;
        });
      }
    } finally {
      master.close();
      replica.close();
    }
  });

  it.each(['process', 'session', 'eventual'] as const)(
    'on late replicas, where the consistency is %s',
    async (consistency) => {
      const db = client({ consistency });
      const session = db.session();
      const rows = await rowsOnPrimary(client());
      await cluster.fault('lag', LATE);
      await note(session);
      const expected = {
        process: { client: true, session: true },
        session: { client: false, session: true },
        eventual: { client: false, session: false },
      }[consistency];
      expect({
        client: (await look(db)).rows > rows,
        session: (await look(session)).rows > rows,
      }).toEqual(expected);
    },
  );

  it('holds for transactions, those that only read and those that do not wait for the disk', async () => {
    const session = client().session();
    for (let round = 0; round < 20; round += 1) {
      const { rows } = await look(session);
      await session.transaction(async (tx) => {
        await tx.query('SET LOCAL synchronous_commit = off');
        await tx.query('INSERT INTO note DEFAULT VALUES');
      });
      const seen = await session.transaction(
        async (tx) => (await tx.query<{ rows: number }>(READ)).rows[0]!,
        {
          access: 'read only',
        },
      );
      expect(seen.rows).toBeGreaterThan(rows);
    }
  });

  it('holds without the schema: reads go to the primary from the first write on', async () => {
    const { superuser, database, user, ca, endpoints } = cluster;
    const owner = new Client({ ...endpoints.master, ...superuser, database, ssl: { ca } });
    await owner.connect();
    await owner.query('CREATE DATABASE bare');
    await owner.query(`ALTER DATABASE bare OWNER TO ${user}`);
    await owner.end();
    const db = client({ database: 'bare' });
    await db.write('CREATE TABLE note (id integer)');
    for (let round = 0; round < 5; round += 1) expect((await look(db)).standby).toBe(false);
  });
});

describe('what was written on a lease', () => {
  const INSERT = 'INSERT INTO note DEFAULT VALUES';
  const WAYS: readonly (readonly [
    string,
    (db: SchoolDb, rowsNow: () => Promise<number>) => Promise<unknown>,
  ])[] = [
    ['a statement', (db) => db.withConnection(({ query }) => query(INSERT))],
    [
      'a transaction, while others ask where the primary stands',
      (db, rowsNow) =>
        db.withConnection(async ({ query }) => {
          await query('BEGIN');
          await query(INSERT);
          const before = await rowsNow();
          await query('COMMIT');
          expect(await rowsNow()).toBe(before + 1);
        }),
    ],
    ['a statement under an advisory lock', (db) => db.withAdvisoryLock('note', ({ query }) => query(INSERT))],
    ['a COPY', (db) => db.copyFrom('COPY note (at) FROM STDIN', ['2026-11-25\n'])],
  ];

  it.each(WAYS)('is seen by the reads behind it, however late the replicas are: %s', async (_what, write) => {
    const db = client();
    await note(db);
    await untilOnStandby(db);
    const before = (await look(db)).rows;
    await cluster.fault('lag', LATE);
    await write(db, async () => (await look(db)).rows);
    expect((await look(db)).rows).toBe(before + 1);
  });
});

describe('a session', () => {
  it('goes on in another process from its token', async () => {
    const session = client().session();
    const rows = await rowsOnPrimary(client());
    await cluster.fault('lag', LATE);
    await note(session);
    const { endpoints, database, user, password, ca } = cluster;
    const { master, replica } = endpoints;
    const script = `
      import { createSchoolDb } from '@schooldb/client';
      const { token, text, ...options } = JSON.parse(process.env.SESSION);
      const db = createSchoolDb({ ...options, consistency: 'session' });
      const rows = [];
      for (const each of [token, undefined]) rows.push((await db.session(each).read(text)).rows[0].rows);
      console.log(JSON.stringify(rows));
      await db.close();`;
    const options = { endpoints: { master, replica }, database, user, password, tls: { ca } };
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      cwd: new URL('../..', import.meta.url),
      env: { ...process.env, SESSION: JSON.stringify({ ...options, token: session.token, text: READ }) },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    expect(code).toBe(0);
    const [withToken, without] = JSON.parse(output) as [number, number];
    expect(withToken).toBe(rows + 1);
    expect(without).toBeLessThanOrEqual(rows);
  });

  it('never reads backwards on replicas that differ, and without a session one does', async () => {
    const writer = client();
    await cluster.fault('lag', { server: (await standbys())[0]!, ...LATE });
    const session = client({ consistency: 'session' }).session();
    const anybody = client({ consistency: 'eventual' });
    let wentBackwards = false;
    const servers = new Set<number>();
    let [most, mostOfAnybody] = [0, 0];
    await until('a replica that is late has shown', async () => {
      await note(writer);
      const round = await Promise.all(Array.from({ length: 6 }, () => look(session)));
      const least = Math.min(...round.map(({ rows }) => rows));
      expect(least).toBeGreaterThanOrEqual(most);
      most = Math.max(...round.map(({ rows }) => rows));
      for (const { standby, port } of round) if (standby) servers.add(port);
      const others = await Promise.all(Array.from({ length: 6 }, () => look(anybody)));
      wentBackwards ||= Math.min(...others.map(({ rows }) => rows)) < mostOfAnybody;
      mostOfAnybody = Math.max(mostOfAnybody, ...others.map(({ rows }) => rows));
      return wentBackwards && servers.size > 0;
    });
  });

  it('reads on when a replica is promoted under it, and from replicas again after that', async () => {
    const db = client({ consistency: 'session' });
    const session = db.session();
    await note(session);
    await untilOnStandby(session);
    const old = session.token;
    const { rows } = await look(session);
    await cluster.fault('kill-primary');
    let reads = 0;
    const promoted = until('there is a new primary', async () => (await cluster.status()).timeline! > 1);
    const reading = until('the session has gone on to the new timeline', async () => {
      expect((await look(session)).rows).toBeGreaterThanOrEqual(rows);
      reads += 1;
      return readSessionToken(session.token).position!.timeline > readSessionToken(old).position!.timeline;
    });
    await Promise.all([promoted, reading]);
    expect(reads).toBeGreaterThan(0);
    await note(session);
    await untilWhole(cluster);
    await untilOnStandby(session);
    expect((await look(session)).rows).toBe(rows + 1);
    // The token of the old timeline is of use as well.
    const late = db.session(old);
    expect((await look(late)).rows).toBeGreaterThanOrEqual(rows);
    await untilOnStandby(late);
  });

  it('reads as any other with a token that is damaged, forged, or of another cluster', async () => {
    const db = client({ consistency: 'session' });
    const own = db.session();
    await note(own);
    const { rows } = await look(own);
    const { position } = readSessionToken(own.token);
    const other = await startTestCluster({ replicas: 0 });
    try {
      const elsewhere = clientOf(other);
      const foreign = elsewhere.session();
      await foreign.write('CREATE TABLE note (id integer)');
      await elsewhere.close();
      const tokens = [
        foreign.token,
        '',
        'x',
        '\u0000',
        own.token.slice(1),
        own.token.repeat(2),
        `${own.token}\n`,
        sessionTokenOf(new Watermark({ ...position!, lsn: 2n ** 64n - 1n })),
        sessionTokenOf(new Watermark({ ...position!, timeline: 2 ** 32 - 1 })),
        sessionTokenOf(new Watermark({ ...position!, timeline: 1, lsn: 1n })),
      ];
      for (const token of tokens) {
        const session = db.session(token);
        await look(session);
        await note(session);
        expect((await look(session)).rows).toBeGreaterThan(rows);
        await untilOnStandby(session);
      }
    } finally {
      await other.stop();
    }
  });
});

describe('maxStalenessMs', () => {
  it('passes by replicas that are late, and comes back when they are not', async () => {
    const db = client({ consistency: 'eventual', maxStalenessMs: 500 });
    await note(db);
    await untilOnStandby(db);
    const fault = await cluster.fault('lag', LATE);
    await until('the primary serves it', async () => {
      await note(db);
      return !(await look(db)).standby;
    });
    const { rows } = await look(db);
    await note(db);
    expect(await look(db)).toMatchObject({ rows: rows + 1, standby: false });
    await fault.undo();
    await untilOnStandby(db);
  });
});

async function standbys(): Promise<string[]> {
  const { servers } = await cluster.status();
  return servers.filter(({ role }) => role === 'standby').map(({ name }) => name);
}

describe('behind poolers', () => {
  it('a session sees what it has written, on whatever server a pooler puts it', async (context) => {
    const { masterPooler, replicaPooler } = cluster.endpoints;
    if (masterPooler === undefined || replicaPooler === undefined) {
      if (process.env['CI'] !== undefined) throw new Error('needs pgbouncer: apt-get install pgbouncer');
      context.skip('needs pgbouncer: apt-get install pgbouncer');
      return;
    }
    const { master } = cluster.endpoints;
    const db = client({
      endpoints: { master, masterPooler, replicaPooler },
      prefer: 'pooler',
      consistency: 'session',
    });
    let onStandby = 0;
    const user = async (): Promise<void> => {
      const session = db.session();
      for (let round = 0; round < 15; round += 1) {
        const { rows } = await session.query<{ id: string }>('INSERT INTO note DEFAULT VALUES RETURNING id');
        const found = await session.read<{ standby: boolean }>(
          'SELECT pg_is_in_recovery() AS standby FROM note WHERE id = $1',
          [rows[0]!.id],
        );
        expect(found.rows).toHaveLength(1);
        if (found.rows[0]!.standby) onStandby += 1;
      }
    };
    await until('some of them were served by standbys', async () => {
      await Promise.all(Array.from({ length: 5 }, user));
      return onStandby > 10;
    });
    await cluster.fault('lag', LATE);
    const session = db.session();
    await note(session);
    expect((await look(session)).standby).toBe(false);
  });
});
