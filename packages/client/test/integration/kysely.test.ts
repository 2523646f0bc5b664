/** Kysely on a real cluster: what it runs, where it runs, and what it leaves behind. */
import type { Cluster } from '@schooldb/local-cluster';
import { CamelCasePlugin, Kysely, ParseJSONResultsPlugin, sql } from 'kysely';
import type { Generated } from 'kysely';
import { Migrator } from 'kysely/migration';
import type { Migration } from 'kysely/migration';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { SchoolDb } from '../../src/index.ts';
import { SchoolDbDialect } from '../../src/kysely/index.ts';
import { clientOf, startTestCluster, until } from '../support/with-cluster.ts';

interface Schema {
  pupil: { id: Generated<number>; name: string; form: string | null };
  grade: { pupil_id: number; subject: string; mark: number };
}

let cluster: Cluster;
let db: SchoolDb<Schema>;

beforeAll(async () => {
  cluster = await startTestCluster({ replicas: 2, synchronous: true });
});

afterAll(() => cluster.stop());

beforeEach(async () => {
  db = clientOf<Schema>(cluster, { safeFunctions: ['pg_is_in_recovery'] });
  await db.write('DROP TABLE IF EXISTS grade, pupil');
  await db.write('CREATE TABLE pupil (id serial PRIMARY KEY, name text NOT NULL UNIQUE, form text)');
  await db.write(
    'CREATE TABLE grade (pupil_id integer REFERENCES pupil DEFERRABLE INITIALLY DEFERRED, subject text, mark integer)',
  );
});

afterEach(async () => {
  await until('nothing is under way or held', () => db.health().running === 0 && leased() === 0);
  await db.close();
});

const isStandby = sql<boolean>`pg_is_in_recovery()`;
const backend = sql<number>`pg_backend_pid()`;

/** Connections that somebody holds. */
function leased(): number {
  const { master, replica } = db.health().endpoints;
  return master.connections.leased + (replica?.connections.leased ?? 0);
}

async function names(): Promise<string[]> {
  const { rows } = await db.write<{ name: string }>('SELECT name FROM pupil ORDER BY name');
  return rows.map(({ name }) => name);
}

describe('single statements', () => {
  it('reads from a replica what was written just before, and writes to the primary', async () => {
    const { kysely } = db;
    const inserted = await kysely
      .insertInto('pupil')
      .values({ name: 'Ada' })
      .returning('id')
      .executeTakeFirstOrThrow();
    for (let n = 0; n < 20; n += 1) {
      const found = await kysely
        .selectFrom('pupil')
        .select(['id', 'name', isStandby.as('standby')])
        .where('id', '=', inserted.id)
        .executeTakeFirst();
      expect(found).toMatchObject({ name: 'Ada' });
    }
    await until('a replica serves the read', async () => {
      const { standby } = await kysely.selectNoFrom(isStandby.as('standby')).executeTakeFirstOrThrow();
      return standby;
    });
    const update = await kysely.updateTable('pupil').set({ form: '10A' }).executeTakeFirst();
    expect(update.numUpdatedRows).toBe(1n);
    expect(
      await kysely.selectNoFrom([isStandby.as('standby'), backend.as('pid')]).executeTakeFirst(),
    ).toMatchObject({
      standby: false,
    });
  });
});

describe('transaction()', () => {
  it('runs on one connection of the primary, reads included', async () => {
    const seen = await db.kysely.transaction().execute(async (trx) => {
      const pids = new Set<number>();
      for (let n = 0; n < 5; n += 1) {
        await trx
          .insertInto('pupil')
          .values({ name: `p${n}` })
          .execute();
        const own = await trx
          .selectFrom('pupil')
          .select([isStandby.as('standby'), 'name'])
          .execute();
        expect(own).toHaveLength(n + 1);
        expect(own[0]?.standby).toBe(false);
        pids.add((await trx.selectNoFrom(backend.as('pid')).executeTakeFirstOrThrow()).pid);
      }
      return pids;
    });
    expect(seen.size).toBe(1);
    expect(await names()).toHaveLength(5);
    expect(await db.kysely.selectFrom('pupil').select('name').execute()).toHaveLength(5);
  });

  it('rolls back when its callback throws, and gives a connection back that is as before', async () => {
    const failure = new Error('no');
    const ended = db.kysely.transaction().execute(async (trx) => {
      await trx.insertInto('pupil').values({ name: 'Ada' }).execute();
      throw failure;
    });
    await expect(ended).rejects.toBe(failure);
    expect(await names()).toEqual([]);
  });

  it('passes on what the server says, and rolls back', async () => {
    const ended = db.kysely.transaction().execute(async (trx) => {
      await trx.insertInto('pupil').values({ name: 'Ada' }).execute();
      await trx.insertInto('pupil').values({ name: 'Ada' }).execute();
    });
    await expect(ended).rejects.toMatchObject({ code: '23505', constraint: 'pupil_name_key' });
    expect(await names()).toEqual([]);
  });

  it('tells that a COMMIT after a swallowed failure was a rollback', async () => {
    const ended = db.kysely.transaction().execute(async (trx) => {
      await trx.insertInto('pupil').values({ name: 'Ada' }).execute();
      await sql`SELECT 1 / 0`.execute(trx).catch(() => {});
    });
    await expect(ended).rejects.toMatchObject({
      code: 'SCHOOLDB_TRANSACTION_ROLLED_BACK',
      outcome: 'not-executed',
    });
    expect(await names()).toEqual([]);
  });

  it('passes on what COMMIT itself is refused for', async () => {
    const ended = db.kysely
      .transaction()
      .execute((trx) => trx.insertInto('grade').values({ pupil_id: 99, subject: 'art', mark: 1 }).execute());
    await expect(ended).rejects.toMatchObject({ code: '23503' });
  });

  it('has the isolation and the access that were asked for, on the primary', async () => {
    const mode = await db.kysely
      .transaction()
      .setIsolationLevel('serializable')
      .setAccessMode('read only')
      .execute(async (trx) => {
        const { rows } = await sql`SELECT current_setting('transaction_isolation') AS isolation,
          current_setting('transaction_read_only') AS read_only, pg_is_in_recovery() AS standby`.execute(trx);
        await expect(trx.insertInto('pupil').values({ name: 'Ada' }).execute()).rejects.toMatchObject({
          code: '25006',
        });
        return rows[0];
      })
      .catch((error: unknown) => error);
    expect(mode).toMatchObject({ code: 'SCHOOLDB_TRANSACTION_ROLLED_BACK' });
    const level = await db.kysely
      .transaction()
      .setIsolationLevel('repeatable read')
      .execute((trx) => sql`SHOW transaction_isolation`.execute(trx));
    expect(level.rows).toEqual([{ transaction_isolation: 'repeatable read' }]);
  });

  it('refuses texts that would end it, and lets those of savepoints through', async () => {
    const ended = db.kysely.transaction().execute(async (trx) => {
      await sql`savepoint a`.execute(trx);
      await trx.insertInto('pupil').values({ name: 'Ada' }).execute();
      await sql`rollback to savepoint a`.execute(trx);
      for (const text of ['commit', 'ROLLBACK', 'begin', 'select 1; commit']) {
        await expect(sql.raw(text).execute(trx)).rejects.toMatchObject({
          code: 'SCHOOLDB_STATEMENT_REFUSED',
        });
      }
      await trx.insertInto('pupil').values({ name: 'Grace' }).execute();
    });
    await ended;
    expect(await names()).toEqual(['Grace']);
  });

  it('leaves a mark behind, and none where it has only read', async () => {
    const owner = clientOf(cluster, cluster.superuser);
    const marks = async () => {
      const { rows } = await owner.write<{ sum: number }>(
        'SELECT coalesce(sum(seq), 0)::integer AS sum FROM schooldb.commit_slot',
      );
      return rows[0]?.sum ?? 0;
    };
    const before = await marks();
    await db.kysely.transaction().execute((trx) => trx.selectFrom('pupil').selectAll().execute());
    expect(await marks()).toBe(before);
    await db.kysely.transaction().execute((trx) => trx.insertInto('pupil').values({ name: 'Ada' }).execute());
    expect(await marks()).toBeGreaterThan(before);
    await owner.close();
  });

  it('runs many at a time within the bounds of the client', async () => {
    await Promise.all(
      Array.from({ length: 60 }, (_, n) =>
        db.kysely.transaction().execute(async (trx) => {
          await trx
            .insertInto('pupil')
            .values({ name: `p${n}` })
            .execute();
          await trx.updateTable('pupil').set({ form: '10A' }).where('name', '=', `p${n}`).execute();
        }),
      ),
    );
    expect(await names()).toHaveLength(60);
    expect(db.health().endpoints.master.connections.open).toBeLessThanOrEqual(20);
  });
});

describe('startTransaction()', () => {
  it('commits and rolls back by hand', async () => {
    const first = await db.kysely.startTransaction().execute();
    await first.insertInto('pupil').values({ name: 'Ada' }).execute();
    expect(leased()).toBe(1);
    await first.commit().execute();
    expect(leased()).toBe(0);
    const second = await db.kysely.startTransaction().execute();
    await second.insertInto('pupil').values({ name: 'Grace' }).execute();
    await second.rollback().execute();
    expect(leased()).toBe(0);
    expect(await names()).toEqual(['Ada']);
    await expect(second.selectFrom('pupil').selectAll().execute()).rejects.toThrow(/rolled back/);
  });

  it('has savepoints, whatever they are called', async () => {
    const trx = await db.kysely.startTransaction().execute();
    await trx.insertInto('pupil').values({ name: 'Ada' }).execute();
    const behind = await trx.savepoint('a "quoted" name').execute();
    await behind.insertInto('pupil').values({ name: 'Grace' }).execute();
    await expect(behind.insertInto('pupil').values({ name: 'Grace' }).execute()).rejects.toMatchObject({
      code: '23505',
    });
    await behind.rollbackToSavepoint('a "quoted" name').execute();
    await behind.releaseSavepoint('a "quoted" name').execute();
    await trx.insertInto('pupil').values({ name: 'Hedy' }).execute();
    await trx.commit().execute();
    expect(await names()).toEqual(['Ada', 'Hedy']);
  });

  it('frees its connection when COMMIT fails, and takes no statement any more', async () => {
    const trx = await db.kysely.startTransaction().execute();
    await trx.insertInto('grade').values({ pupil_id: 99, subject: 'art', mark: 1 }).execute();
    await expect(trx.commit().execute()).rejects.toMatchObject({ code: '23503' });
    await expect(trx.insertInto('pupil').values({ name: 'Ada' }).execute()).rejects.toMatchObject({
      code: 'SCHOOLDB_STATEMENT_REFUSED',
    });
    await trx.rollback().execute();
    expect(await names()).toEqual([]);
  });
});

describe('connection()', () => {
  it('is one session, from its first statement to its last', async () => {
    await db.kysely.connection().execute(async (one) => {
      const first = await one.selectNoFrom(backend.as('pid')).executeTakeFirstOrThrow();
      await sql`SET application_name = 'a session of its own'`.execute(one);
      await sql`CREATE TEMPORARY TABLE note (n integer)`.execute(one);
      await sql`INSERT INTO note VALUES (1)`.execute(one);
      const second = await sql<{ pid: number; name: string; notes: number }>`SELECT pg_backend_pid() AS pid,
        current_setting('application_name') AS name, (SELECT count(*)::integer FROM note) AS notes`.execute(
        one,
      );
      expect(second.rows).toEqual([{ pid: first.pid, name: 'a session of its own', notes: 1 }]);
    });
    const { rows } = await db.write(
      "SELECT count(*)::integer AS n FROM pg_stat_activity WHERE application_name = 'a session of its own' AND state <> 'idle'",
    );
    expect(rows).toEqual([{ n: 0 }]);
  });

  it('keeps the session of a first statement that only looks as if it had none', async () => {
    const found = await db.kysely.connection().execute(async (one) => {
      await one.insertInto('pupil').values({ name: 'Ada' }).execute();
      const { rows } = await sql<{ id: string }>`SELECT lastval() AS id`.execute(one);
      return rows[0]?.id;
    });
    expect(Number(found)).toBe(1);
  });

  it('has transactions of its own, and goes on behind them', async () => {
    await db.kysely.connection().execute(async (one) => {
      const { pid } = await one.selectNoFrom(backend.as('pid')).executeTakeFirstOrThrow();
      await one.transaction().execute(async (trx) => {
        await trx.insertInto('pupil').values({ name: 'Ada' }).execute();
        expect(await trx.selectNoFrom(backend.as('pid')).executeTakeFirst()).toEqual({ pid });
      });
      await expect(
        one.transaction().execute(async (trx) => {
          await trx.insertInto('pupil').values({ name: 'Grace' }).execute();
          throw new Error('no');
        }),
      ).rejects.toThrow('no');
      await expect(
        one.transaction().execute(async (trx) => {
          await sql`SELECT 1 / 0`.execute(trx).catch(() => {});
        }),
      ).rejects.toMatchObject({ code: 'SCHOOLDB_TRANSACTION_ROLLED_BACK' });
      await expect(
        one
          .transaction()
          .execute((trx) =>
            trx.insertInto('grade').values({ pupil_id: 99, subject: 'art', mark: 1 }).execute(),
          ),
      ).rejects.toMatchObject({ code: '23503' });
      expect(await one.selectNoFrom(backend.as('pid')).executeTakeFirst()).toEqual({ pid });
    });
    expect(await names()).toEqual(['Ada']);
    expect(await db.kysely.selectFrom('pupil').select('name').execute()).toEqual([{ name: 'Ada' }]);
  });

  it('tells who leaves a transaction open, and rolls it back', async () => {
    await expect(sql`BEGIN`.execute(db.kysely)).rejects.toMatchObject({ code: 'SCHOOLDB_STATEMENT_REFUSED' });
    const left = db.kysely.connection().execute(async (one) => {
      await sql`BEGIN`.execute(one);
      await one.insertInto('pupil').values({ name: 'Ada' }).execute();
    });
    await expect(left).rejects.toThrow(/rolled back/);
    expect(await names()).toEqual([]);
  });

  it('runs texts of several statements, as pg does', async () => {
    await sql`INSERT INTO pupil (name) VALUES ('Ada'); INSERT INTO pupil (name) VALUES ('Grace')`.execute(
      db.kysely,
    );
    await expect(
      sql`INSERT INTO pupil (name) VALUES ('Hedy'); INSERT INTO pupil (name) VALUES ('Ada')`.execute(
        db.kysely,
      ),
    ).rejects.toMatchObject({ code: '23505' });
    expect(await names()).toEqual(['Ada', 'Grace']);
  });

  it('does not lend what a session was changed on', async () => {
    await sql`SET statement_timeout = '12345s'`.execute(db.kysely);
    for (let n = 0; n < 5; n += 1) {
      const { rows } = await sql`SELECT current_setting('statement_timeout') AS t, pg_backend_pid()`.execute(
        db.kysely,
      );
      expect(rows).toMatchObject([{ t: '0' }]);
    }
  });
});

describe('stream()', () => {
  const numbers = () =>
    db.kysely.selectFrom((eb) =>
      eb.fn<{ n: number }>('generate_series', [eb.lit(1), eb.lit(100_000)]).as('n'),
    );

  it('gives all rows, in portions, from a replica', async () => {
    let rows = 0;
    const eventual = clientOf(cluster, { safeFunctions: ['pg_is_in_recovery'], consistency: 'eventual' });
    const query = eventual.kysely
      .selectFrom(sql<{ n: number }>`generate_series(1, 1000)`.as<'g'>(sql`g(n)`))
      .select(['g.n', isStandby.as('standby')]);
    for await (const row of query.stream(100)) {
      rows += 1;
      expect(row).toEqual({ n: rows, standby: true });
    }
    expect(rows).toBe(1000);
    await eventual.close();
  });

  it('frees its connection when its reader leaves, whether by break or by an error', async () => {
    for await (const _ of numbers().selectAll().stream(10)) break;
    await until('the connection is free', () => leased() === 0);
    const failing = (async () => {
      for await (const _ of numbers().selectAll().stream(10)) throw new Error('no');
    })();
    await expect(failing).rejects.toThrow('no');
    await until('the connection is free', () => leased() === 0);
  });

  it('takes no more than its reader does', async () => {
    const before = process.memoryUsage().rss;
    const wide = db.kysely
      .selectFrom(sql<{ n: number }>`generate_series(1, 1000000)`.as<'g'>(sql`g(n)`))
      .select(sql<string>`repeat('x', 1000)`.as('wide'));
    let rows = 0;
    for await (const _ of wide.stream(100)) {
      rows += 1;
      if (rows === 1_000) break;
    }
    // A gigabyte was asked for.
    expect(process.memoryUsage().rss - before).toBeLessThan(300_000_000);
    await until('the connection is free', () => leased() === 0);
  });

  it('sees what its transaction has written, on the connection of that', async () => {
    const seen = await db.kysely.transaction().execute(async (trx) => {
      await trx
        .insertInto('pupil')
        .values([{ name: 'Ada' }, { name: 'Grace' }, { name: 'Hedy' }])
        .execute();
      const found: string[] = [];
      for await (const { name } of trx.selectFrom('pupil').select('name').orderBy('name').stream(1))
        found.push(name);
      for await (const _ of trx.selectFrom('pupil').select('name').stream(1)) break;
      await trx.updateTable('pupil').set({ form: '10A' }).execute();
      return found;
    });
    expect(seen).toEqual(['Ada', 'Grace', 'Hedy']);
    expect(await names()).toHaveLength(3);
  });

  it('streams what a statement returns that writes', async () => {
    const found: string[] = [];
    const query = db.kysely
      .insertInto('pupil')
      .values([{ name: 'Ada' }, { name: 'Grace' }])
      .returning('name');
    for await (const { name } of query.stream()) found.push(name);
    expect(found).toEqual(['Ada', 'Grace']);
    expect(await names()).toEqual(['Ada', 'Grace']);
  });

  it('passes on what the server says', async () => {
    const read = async () => {
      for await (const _ of db.kysely.selectNoFrom(sql`1 / 0`.as('n')).stream());
    };
    await expect(read()).rejects.toMatchObject({ code: '22012' });
  });
});

describe('an AbortSignal', () => {
  const busy = async (text: string) => {
    const { rows } = await db.write<{ n: number }>(
      'SELECT count(*)::integer AS n FROM pg_stat_activity WHERE query LIKE $1 AND pid <> pg_backend_pid() AND state = $2',
      [`%${text}%`, 'active'],
    );
    return rows[0]?.n ?? 0;
  };

  it('ends a read at once, and its connection with it', async () => {
    const ending = new AbortController();
    const sleeping = db.kysely
      .selectNoFrom(sql`pg_sleep(600)`.as('aborted_read'))
      .execute({ signal: ending.signal });
    await until('it has a connection', () => leased() === 1);
    ending.abort(new Error('enough'));
    await expect(sleeping).rejects.toThrow('enough');
    await until('the connection is gone', () => leased() === 0);
  });

  it('leaves what was sent and writes to its end, as Kysely does', async () => {
    const ending = new AbortController();
    const sent = sql`INSERT INTO pupil (name) SELECT 'Ada' FROM pg_sleep(1)`;
    const inserting = db.kysely.executeQuery(sent.compile(db.kysely), { signal: ending.signal });
    await until('it runs', async () => (await busy('INSERT INTO pupil')) === 1);
    ending.abort(new Error('enough'));
    await expect(inserting).rejects.toThrow('enough');
    await until('it is done', async () => (await names()).length === 1);
    await until('its connection is free', () => leased() === 0);
  });

  it("cancels a statement in a transaction with 'cancel query', and the transaction can be rolled back", async () => {
    const ending = new AbortController();
    const ended = db.kysely.transaction().execute(async (trx) => {
      await trx.insertInto('pupil').values({ name: 'Ada' }).execute();
      const sleeping = trx
        .selectNoFrom(sql`pg_sleep(600)`.as('cancelled'))
        .execute({ signal: ending.signal, inflightQueryAbortStrategy: 'cancel query' });
      await until('it runs', async () => (await busy('cancelled')) === 1);
      ending.abort(new Error('enough'));
      await sleeping;
    });
    await expect(ended).rejects.toThrow('enough');
    await until('the server is done with it', async () => (await busy('cancelled')) === 0);
    expect(await names()).toEqual([]);
    await until('its connection is free', () => leased() === 0);
  });

  it("closes the connection with 'kill session'", async () => {
    const ending = new AbortController();
    const sleeping = db.kysely
      .selectNoFrom([sql`pg_sleep(600)`.as('killed'), backend.as('pid')])
      .execute({ signal: ending.signal, inflightQueryAbortStrategy: 'kill session' });
    await until('it runs', async () => (await busy('killed')) === 1);
    ending.abort(new Error('enough'));
    await expect(sleeping).rejects.toThrow('enough');
    await until('the server has noticed', async () => (await busy('killed')) === 0);
  });

  it('ends a stream', async () => {
    const ending = new AbortController();
    const reading = (async () => {
      const query = db.kysely
        .selectFrom(sql<{ n: number }>`generate_series(1, 100000)`.as<'g'>(sql`g(n)`))
        .selectAll();
      for await (const { n } of query.stream({ chunkSize: 10, signal: ending.signal }))
        if (n === 50) ending.abort(new Error('enough'));
    })();
    await expect(reading).rejects.toThrow('enough');
    await until('its connection is free', () => leased() === 0);
  });
});

describe('SchoolDbDialect', () => {
  it('carries plugins, schemas and a log', async () => {
    await db.write('CREATE TABLE IF NOT EXISTS school_class (class_name text, extra_info json)');
    await db.write('TRUNCATE school_class');
    const logged: string[] = [];
    const camel = new Kysely<{ schoolClass: { className: string; extraInfo: unknown } }>({
      dialect: new SchoolDbDialect({ db }),
      plugins: [new CamelCasePlugin(), new ParseJSONResultsPlugin()],
      log: ({ level, query }) => void logged.push(`${level} ${query.sql.split(' ')[0]}`),
    });
    await camel.insertInto('schoolClass').values({ className: '10A', extraInfo: '{"a_b":1}' }).execute();
    const found = await camel.withSchema('public').selectFrom('schoolClass').selectAll().execute();
    expect(found).toEqual([{ className: '10A', extraInfo: { aB: 1 } }]);
    expect(logged).toEqual(['query insert', 'query select']);
    await camel.destroy();
    // The client is the app's.
    expect((await db.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
  });

  it('tells what is there, from the primary, inside a transaction too', async () => {
    const tables = await db.kysely.introspection.getTables();
    expect(tables.find(({ name }) => name === 'pupil')?.columns.map(({ name }) => name)).toEqual([
      'id',
      'name',
      'form',
    ]);
    await db.kysely
      .transaction()
      .execute(async (trx) => {
        await trx.schema.createTable('just_made').addColumn('n', 'integer').execute();
        const inside = await trx.introspection.getTables();
        expect(inside.map(({ name }) => name)).toContain('just_made');
        throw new Error('rolled back');
      })
      .catch(() => {});
    const after = await db.kysely.introspection.getTables();
    expect(after.map(({ name }) => name)).not.toContain('just_made');
  });

  it('migrates, once, however many try at the same time', async () => {
    const up: string[] = [];
    const migrations: Record<string, Migration> = {
      '1-lesson': {
        async up(kysely: Kysely<unknown>) {
          up.push('1-lesson');
          await kysely.schema.createTable('lesson').addColumn('id', 'serial').execute();
          await sql`INSERT INTO lesson DEFAULT VALUES; INSERT INTO lesson DEFAULT VALUES`.execute(kysely);
        },
        async down(kysely: Kysely<unknown>) {
          await kysely.schema.dropTable('lesson').execute();
        },
      },
      '2-room': {
        async up(kysely: Kysely<unknown>) {
          up.push('2-room');
          await kysely.schema.alterTable('lesson').addColumn('room', 'text').execute();
        },
      },
    };
    const migrator = () =>
      new Migrator({
        db: new Kysely<unknown>({ dialect: new SchoolDbDialect({ db, deadlineMs: 600_000 }) }),
        provider: { getMigrations: async () => migrations },
      });
    const all = await Promise.all(Array.from({ length: 3 }, () => migrator().migrateToLatest()));
    for (const { error } of all) expect(error).toBeUndefined();
    expect(up).toEqual(['1-lesson', '2-room']);
    const { rows } = await db.write(
      'SELECT count(*)::integer AS n, count(room)::integer AS rooms FROM lesson',
    );
    expect(rows).toEqual([{ n: 2, rooms: 0 }]);
    await db.write('DROP TABLE lesson, kysely_migration, kysely_migration_lock');
    // Its advisory lock went with its session.
    const locks = await db.write("SELECT count(*)::integer AS n FROM pg_locks WHERE locktype = 'advisory'");
    expect(locks.rows).toEqual([{ n: 0 }]);
  });
});
