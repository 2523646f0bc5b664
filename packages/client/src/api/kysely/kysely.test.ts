import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { Kysely, sql } from 'kysely';
import type { Generated } from 'kysely';
import { beforeAll, describe, expect, expectTypeOf, it, vi } from 'vitest';
import {
  answer,
  loseConnection,
  makeClient,
  once,
  transactional,
} from '../../../test/support/fake-client.ts';
import { FakeServer, SILENCE, result, sqlError } from '../../../test/support/fake-server.ts';
import { SchoolDbDialect } from '../../kysely/index.ts';
import { IDENTIFY } from '../../wire/sql.ts';
import { createSchoolDb } from '../create-school-db.ts';
import type { SchoolDb } from '../create-school-db.ts';
import { requireKysely } from './require-kysely.ts';

interface Schema {
  pupil: { id: Generated<number>; name: string; form: string | null };
}

const INSERT = 'insert into "pupil" ("name") values ($1)';
const insertInto = (kysely: Kysely<Schema>) => kysely.insertInto('pupil').values({ name: 'Ada' }).execute();
const inTransaction = ({ kysely }: SchoolDb<Schema>) => kysely.transaction().execute(insertInto);

/** As a server answers, of which a test says what it does with `begin` and COMMIT. */
function begins(changes: Parameters<typeof transactional>[0] = {}): ReturnType<typeof transactional> {
  const rest = transactional(changes);
  return (text, wire) => {
    if (text.startsWith('start transaction')) {
      wire.transactionStatus = 'open';
      return result('BEGIN');
    }
    return rest(text, wire);
  };
}

/** Generous: a machine may be busy. */
const eventually = (check: () => void) => vi.waitFor(check, { timeout: 20_000 });

// Else they would be loaded in the middle of a test, while its clock goes on.
beforeAll(() => Promise.all([import('./judge-tree.ts'), import('../../router/safe-functions.ts')]));

const sent = ({ texts }: FakeServer, wanted: RegExp) =>
  texts.filter((text) => text !== IDENTIFY && wanted.test(text));

describe('a COMMIT of Kysely', () => {
  it('carries a mark', async () => {
    const { db, primary } = makeClient<Schema>();
    answer(primary, begins());
    await inTransaction(db);
    expect(sent(primary, /start|insert|mark|COMMIT/)).toEqual([
      'start transaction',
      INSERT,
      "SELECT schooldb.mark('00000000-0000-4000-8000-000000000001', 1)",
      'COMMIT',
    ]);
    await db.close();
  });

  it('that is lost and was done is a success', async () => {
    const { db, primary } = makeClient<Schema>();
    const rest = begins({ onCommit: once(loseConnection, () => result('COMMIT')), settled: true });
    let leasedMeanwhile = 0;
    answer(primary, (text, wire) => {
      if (text.includes('schooldb.settle')) leasedMeanwhile = db.health().endpoints.master.connections.leased;
      return rest(text, wire);
    });
    await expect(inTransaction(db)).resolves.toHaveLength(1);
    // Whoever asks needs a connection, and has given the lost one back.
    expect(leasedMeanwhile).toBe(1);
    expect(sent(primary, /insert/)).toHaveLength(1);
    expect(db.health().endpoints.master.connections.leased).toBe(0);
    await db.close();
  });

  it('that is lost and was not done is an error after which it may be run again, and is not run again by itself', async () => {
    const { db, primary } = makeClient<Schema>();
    answer(primary, begins({ onCommit: once(loseConnection, () => result('COMMIT')), settled: false }));
    await expect(inTransaction(db)).rejects.toMatchObject({
      code: 'SCHOOLDB_CONNECTION_LOST',
      outcome: 'not-executed',
    });
    expect(sent(primary, /insert/)).toHaveLength(1);
    // Kysely has nothing left to roll back.
    expect(sent(primary, /ROLLBACK/)).toEqual([]);
    await db.close();
  });

  it('that is lost without a mark is unknown', async () => {
    const { db, primary } = makeClient<Schema>();
    primary.hasCommitSlots = false;
    answer(primary, begins({ onCommit: loseConnection }));
    await expect(inTransaction(db)).rejects.toMatchObject({ code: 'SCHOOLDB_COMMIT_OUTCOME_UNKNOWN' });
    await db.close();
  });

  it('that nobody can tell about is unknown at the deadline, with a token', async () => {
    const { db, primary, clock } = makeClient<Schema>();
    const dying: typeof loseConnection = (text, wire) => {
      primary.refusal = sqlError('ECONNREFUSED');
      return loseConnection(text, wire);
    };
    answer(primary, begins({ onCommit: dying }));
    const ended = inTransaction(db).catch((error: unknown) => error);
    await eventually(() => expect(sent(primary, /^COMMIT/)).toHaveLength(1));
    await clock.advance(61_000);
    expect(await ended).toMatchObject({
      code: 'SCHOOLDB_COMMIT_OUTCOME_UNKNOWN',
      token: expect.any(String),
    });
    await db.close();
  });

  it('whose wait for the standby was given up is asked about, and not called a success by itself', async () => {
    const { db, primary } = makeClient<Schema>();
    const unconfirmed: Parameters<typeof once>[0] = (_text, wire) => {
      wire.notify({ severity: 'WARNING', code: '01000', routine: 'SyncRepWaitForLSN' });
      return result('COMMIT');
    };
    answer(primary, begins({ onCommit: once(unconfirmed, () => result('COMMIT')), settled: true }));
    await inTransaction(db);
    expect(sent(primary, /settle/)).toHaveLength(1);
    await db.close();
  });

  it('that is answered with ROLLBACK is an error of ours, and of Kysely', async () => {
    const { db, primary } = makeClient<Schema>();
    answer(primary, begins({ onCommit: () => result('ROLLBACK') }));
    const trx = await db.kysely.startTransaction().execute();
    await trx.insertInto('pupil').values({ name: 'Ada' }).execute();
    await expect(trx.commit().execute()).rejects.toMatchObject({ code: 'SCHOOLDB_TRANSACTION_ROLLED_BACK' });
    expect(trx.isRolledBack).toBe(true);
    expect(db.health().endpoints.master.connections.leased).toBe(0);
    await db.close();
  });

  it('of a transaction that has only read carries no mark', async () => {
    const { db, primary } = makeClient<Schema>();
    answer(primary, begins());
    await db.kysely.transaction().execute((trx) => trx.selectFrom('pupil').selectAll().execute());
    expect(sent(primary, /mark/)).toEqual([]);
    expect(sent(primary, /COMMIT/)).toHaveLength(1);
    await db.close();
  });
});

describe('a transaction of Kysely', () => {
  it('is begun again where its BEGIN is lost', async () => {
    const { db, primary } = makeClient<Schema>();
    const rest = begins();
    const lost = once(loseConnection, rest);
    answer(primary, (text, wire) => (text.startsWith('start') ? lost(text, wire) : rest(text, wire)));
    await inTransaction(db);
    expect(sent(primary, /^start/)).toHaveLength(2);
    expect(sent(primary, /insert/)).toHaveLength(1);
    await db.close();
  });

  it('whose connection breaks ends with an error that says so, and is not run again by itself', async () => {
    const { db, primary } = makeClient<Schema>();
    answer(primary, begins({ onStatement: loseConnection }));
    await expect(inTransaction(db)).rejects.toMatchObject({
      code: 'SCHOOLDB_CONNECTION_LOST',
      outcome: 'not-executed',
    });
    expect(sent(primary, /insert/)).toHaveLength(1);
    await db.close();
  });

  it('never goes back open: its connection is closed where it can not be rolled back', async () => {
    const { db, primary } = makeClient<Schema>();
    answer(primary, (text, wire) => {
      if (text === 'ROLLBACK') throw sqlError('XX000');
      return begins()(text, wire);
    });
    const failing = db.kysely.transaction().execute(() => Promise.reject(new Error('no')));
    await expect(failing).rejects.toThrow();
    expect(db.health().endpoints.master.connections).toMatchObject({ open: 0, leased: 0 });
    await db.close();
  });

  it('goes to the master with all its reads, though a replica is there', async () => {
    const { db, primary, standby } = makeClient<Schema>({ consistency: 'eventual' });
    answer(primary, begins());
    await db.kysely
      .transaction()
      .setAccessMode('read only')
      .execute((trx) => trx.selectFrom('pupil').selectAll().execute());
    expect(sent(primary, /select/)).toHaveLength(1);
    expect(sent(standby, /select/)).toEqual([]);
    await db.close();
  });

  it('goes to no pooler, and neither does a single statement that writes', async () => {
    const { db, behind, primary } = makeClient<Schema>({
      endpoints: { master: 'master', masterPooler: 'masterPooler' },
      prefer: 'pooler',
    });
    const pooler = new FakeServer();
    behind['masterPooler'] = pooler;
    answer(pooler, begins());
    answer(primary, begins());
    await db.write('insert into note values (1)');
    await inTransaction(db);
    await insertInto(db.kysely);
    expect(sent(pooler, /^insert|^start/)).toEqual(['insert into note values (1)']);
    expect(sent(primary, /^insert|^start/)).toEqual(['start transaction', INSERT, INSERT]);
    await db.close();
  });

  it('lets close() wait for it, and commits meanwhile', async () => {
    const { db, primary } = makeClient<Schema>();
    answer(primary, begins());
    const trx = await db.kysely.startTransaction().execute();
    const closing = db.close();
    await trx.insertInto('pupil').values({ name: 'Ada' }).execute();
    await trx.commit().execute();
    await closing;
    expect(sent(primary, /COMMIT/)).toHaveLength(1);
    await expect(insertInto(db.kysely)).rejects.toMatchObject({ code: 'SCHOOLDB_CLOSED' });
  });
});

describe('a single statement of Kysely', () => {
  it('that writes and is lost under way is unknown, and not repeated', async () => {
    const { db, primary } = makeClient<Schema>();
    answer(primary, loseConnection);
    await expect(insertInto(db.kysely)).rejects.toMatchObject({ code: 'SCHOOLDB_COMMIT_OUTCOME_UNKNOWN' });
    expect(sent(primary, /insert/)).toHaveLength(1);
    await db.close();
  });

  it('that reads and is lost under way is repeated', async () => {
    const { db, standby, primary } = makeClient<Schema>({ consistency: 'eventual' });
    answer(standby, loseConnection);
    answer(primary, () => result('SELECT', [{ name: 'Ada' }]));
    expect(await db.kysely.selectFrom('pupil').select('name').execute()).toEqual([{ name: 'Ada' }]);
    await db.close();
  });

  it('that writes waits for a primary, and goes there once', async () => {
    const { db, primary, clock } = makeClient<Schema>();
    primary.refusal = sqlError('ECONNREFUSED');
    const inserting = insertInto(db.kysely);
    await clock.advance(5_000);
    primary.refusal = undefined;
    answer(primary, () => result('INSERT'));
    await clock.advance(5_000);
    await inserting;
    expect(sent(primary, /insert/)).toHaveLength(1);
    await db.close();
  });

  it('that was not sent yet is given up with its signal, and never sent', async () => {
    const { db, primary, clock } = makeClient<Schema>();
    primary.refusal = sqlError('ECONNREFUSED');
    const ending = new AbortController();
    const query = db.kysely.insertInto('pupil').values({ name: 'Ada' });
    const inserting = query.execute({ signal: ending.signal });
    await clock.advance(1_000);
    ending.abort(new Error('enough'));
    await expect(inserting).rejects.toThrow('enough');
    primary.refusal = undefined;
    await clock.advance(10_000);
    expect(sent(primary, /insert/)).toEqual([]);
    expect(db.health().running).toBe(0);
    await db.close();
  });

  it("that was sent is given up with 'cancel query', by its connection", async () => {
    const { db, primary } = makeClient<Schema>();
    answer(primary, (text) => (text.startsWith('insert') ? SILENCE : result('SELECT')));
    const ending = new AbortController();
    const query = db.kysely.insertInto('pupil').values({ name: 'Ada' });
    const inserting = query.execute({ signal: ending.signal, inflightQueryAbortStrategy: 'cancel query' });
    inserting.catch(() => {});
    await eventually(() => expect(sent(primary, /insert/)).toHaveLength(1));
    ending.abort(new Error('enough'));
    await expect(inserting).rejects.toThrow('enough');
    await eventually(() => expect(db.health().endpoints.master.connections).toMatchObject({ leased: 0 }));
    await db.close();
  });
});

describe('db.kysely', () => {
  it('is one and the same, and the Kysely that the app imports', () => {
    const db = createSchoolDb<Schema>({ endpoints: { master: 'db' }, database: 'school', user: 'app' });
    expect(db.kysely).toBe(db.kysely);
    expect(db.kysely).toBeInstanceOf(Kysely);
  });

  it('is that Kysely in plain Node too, for import and require', async () => {
    const code = `
      import { createRequire } from 'node:module';
      import { createSchoolDb } from '@schooldb/client';
      import { Kysely } from 'kysely';
      const db = createSchoolDb({ endpoints: { master: 'db' }, database: 'school', user: 'app' });
      const { SchoolDbDialect } = await import('@schooldb/client/kysely');
      const required = createRequire(import.meta.url)('kysely').Kysely;
      const own = new Kysely({ dialect: new SchoolDbDialect({ db }) });
      console.log(db.kysely instanceof Kysely, required === Kysely, own.selectFrom('pupil').selectAll().compile().sql);`;
    const args = ['--input-type=module', '--eval', code];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname });
    expect(stdout).toBe('true true select * from "pupil"\n');
  });

  it('names the command where kysely is not installed', () => {
    const nowhere = mkdtempSync(join(tmpdir(), 'schooldb-no-kysely-'));
    try {
      expect(() => requireKysely(pathToFileURL(join(nowhere, 'index.js')).href)).toThrow(
        /npm install kysely@\^0\.29\.9/,
      );
    } finally {
      rmSync(nowhere, { recursive: true });
    }
  });

  it('is typed by the schema', async () => {
    const { db } = makeClient<Schema>();
    const query = db.kysely.selectFrom('pupil').select(['id', 'form']);
    expectTypeOf<ReturnType<typeof query.execute>>().resolves.toEqualTypeOf<
      { id: number; form: string | null }[]
    >();
    expectTypeOf(createSchoolDb<Schema>)
      .returns.toHaveProperty('kysely')
      .toEqualTypeOf<Kysely<Schema>>();
    // A client of any schema may be given where no schema matters.
    expectTypeOf<SchoolDb<Schema>>().toExtend<SchoolDb>();
    const wrong = () => {
      // @ts-expect-error -- there is no such column
      void db.kysely.selectFrom('pupil').select('nmae').compile();
      // @ts-expect-error -- there is no such table
      void db.kysely.selectFrom('pupils').selectAll().compile();
      // @ts-expect-error -- a name is no number
      void db.kysely.insertInto('pupil').values({ name: 7 }).compile();
      // @ts-expect-error -- a column is missing
      void db.kysely.insertInto('pupil').values({ form: '10A' }).compile();
      void db.kysely.transaction().execute(async (trx) => {
        // @ts-expect-error -- nor is there one in a transaction
        await trx.updateTable('pupil').set({ nmae: 'Ada' }).execute();
      });
    };
    expect(wrong).toBeTypeOf('function');
    await db.close();
  });
});

describe('SchoolDbDialect', () => {
  it.each([
    [undefined, /must be an object/],
    [{}, /'db' must be a client/],
    [{ db: {} }, /'db' must be a client/],
    [{ db: makeClient().db, deadlineMs: 0 }, /'deadlineMs' must be a whole number from 1 to 3600000/],
    [{ db: makeClient().db, deadline: 5 }, /unknown option 'deadline'. Did you mean 'deadlineMs'/],
  ])('says what is wrong with %o', (options, message) => {
    expect(() => new SchoolDbDialect(options as never)).toThrow(message);
  });

  it('gives each statement its own deadline', async () => {
    const { db, primary, clock } = makeClient<Schema>();
    answer(primary, (text) => (text.startsWith('insert') ? SILENCE : result('SELECT')));
    const kysely = new Kysely<Schema>({ dialect: new SchoolDbDialect({ db, deadlineMs: 300 }) });
    const inserting = insertInto(kysely).catch((error: unknown) => error);
    await eventually(() => expect(sent(primary, /insert/)).toHaveLength(1));
    await clock.advance(400);
    expect(await inserting).toMatchObject({ code: 'SCHOOLDB_DEADLINE_EXCEEDED', outcome: 'unknown' });
    await db.close();
  });

  it('closes a connection whose session was changed, and keeps any other', async () => {
    const { db, primary } = makeClient<Schema>();
    answer(primary, () => result('INSERT'));
    await insertInto(db.kysely);
    await insertInto(db.kysely);
    expect(primary.connects).toBe(1);
    await sql`SET search_path = other`.execute(db.kysely);
    await insertInto(db.kysely);
    expect(primary.connects).toBe(2);
    await db.close();
  });
});
