/** Load through `db.kysely`, in transactions and single statements, while the primary dies. */
import type { Cluster, FaultName } from '@schooldb/local-cluster';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SchoolDbError } from '../../src/index.ts';
import type { SchoolDb } from '../../src/index.ts';
import { clientOf, startTestCluster, until, untilWhole } from '../support/with-cluster.ts';

interface Schema {
  ledger: { caller: number; seq: number; half: number };
  single: { caller: number; seq: number };
}

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startTestCluster({ replicas: 2, synchronous: true, promoteAfterMs: 1_000 });
});

afterAll(() => cluster.stop());

type Fate = 'done' | 'not' | 'unknown';

class Load {
  readonly transactions = new Map<string, Fate>();
  readonly singles = new Map<string, Fate>();
  readonly surprises: unknown[] = [];
  readonly failedReads: unknown[] = [];
  reads = 0;
  readonly #db: SchoolDb<Schema>;
  readonly #ending = new AbortController();
  readonly #callers: Promise<void>[];

  constructor(db: SchoolDb<Schema>, callers: number) {
    this.#db = db;
    this.#callers = Array.from({ length: callers }, (_, caller) => this.#call(caller));
  }

  get done(): number {
    return [...this.transactions.values()].filter((fate) => fate === 'done').length;
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await Promise.all(this.#callers);
  }

  async #call(caller: number): Promise<void> {
    const { kysely } = this.#db;
    for (let seq = 0; !this.#ending.signal.aborted; seq += 1) {
      const key = `${caller}/${seq}`;
      this.transactions.set(
        key,
        await this.#fate(() =>
          kysely.transaction().execute(async (trx) => {
            await trx.insertInto('ledger').values({ caller, seq, half: 1 }).execute();
            // Where this leaves the lease, or comes too early, it misses the row.
            const own = await trx
              .selectFrom('ledger')
              .select('half')
              .where('caller', '=', caller)
              .where('seq', '=', seq)
              .execute();
            if (own.length !== 1) throw new Error(`a read in a transaction saw ${own.length} rows`);
            await trx.insertInto('ledger').values({ caller, seq, half: 2 }).execute();
          }),
        ),
      );
      this.singles.set(
        key,
        await this.#fate(() => kysely.insertInto('single').values({ caller, seq }).execute()),
      );
      try {
        await kysely.selectFrom('single').select('seq').where('caller', '=', caller).limit(1).execute();
        this.reads += 1;
      } catch (error) {
        this.failedReads.push(error);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async #fate(work: () => Promise<unknown>): Promise<Fate> {
    try {
      await work();
      return 'done';
    } catch (error) {
      if (!(error instanceof SchoolDbError)) this.surprises.push(error);
      return error instanceof SchoolDbError && error.outcome === 'not-executed' ? 'not' : 'unknown';
    }
  }
}

function expectTruth(fates: ReadonlyMap<string, Fate>, there: ReadonlyMap<string, number>, once: number) {
  const wrong = [...fates].filter(([key, fate]) => {
    const rows = there.get(key) ?? 0;
    if (fate === 'done') return rows !== once;
    return fate === 'not' ? rows !== 0 : rows !== 0 && rows !== once;
  });
  expect(wrong).toEqual([]);
}

async function counted(db: SchoolDb<Schema>, table: keyof Schema): Promise<Map<string, number>> {
  const rows = await db.kysely.transaction().execute((trx) =>
    trx
      .selectFrom(table)
      .select((eb) => ['caller', 'seq', eb.fn.countAll<string>().as('n')])
      .groupBy(['caller', 'seq'])
      .execute(),
  );
  return new Map(rows.map(({ caller, seq, n }) => [`${caller}/${seq}`, Number(n)]));
}

it.each<FaultName>(['kill-primary', 'freeze-primary', 'switchover'])(
  '%s: nothing is lost or doubled, each failure says what became of it, and reads go on',
  async (fault) => {
    const db = clientOf<Schema>(cluster);
    await db.write('DROP TABLE IF EXISTS ledger, single');
    await db.write('CREATE TABLE ledger (caller integer, seq integer, half integer)');
    await db.write('CREATE TABLE single (caller integer, seq integer)');
    const load = new Load(db, 40);
    try {
      await until('the load runs', () => load.done > 200);
      const { timeline } = await cluster.status();
      await cluster.fault(fault);
      await until('a new primary is there', async () => {
        const now = await cluster.status();
        return now.primary !== null && now.timeline! > timeline!;
      });
      const [atRecovery, reads] = [load.done, load.reads];
      await until(
        'writing and reading goes on',
        () => load.done > atRecovery + 200 && load.reads > reads + 200,
      );
      await load.stop();
      expect(load.surprises).toEqual([]);
      expect(load.failedReads).toEqual([]);
      // With the schema installed nobody is left in doubt about a transaction.
      expect([...load.transactions.values()]).not.toContain('unknown');
      expectTruth(load.transactions, await counted(db, 'ledger'), 2);
      expectTruth(load.singles, await counted(db, 'single'), 1);
    } finally {
      await load.stop();
      await db.close();
      await cluster.undoAllFaults();
    }
    await untilWhole(cluster);
  },
);

it('cut-after-commit: an answer to COMMIT that is lost is asked about', async () => {
  // Before anything is connected: what is cut must be seen through.
  await cluster.fault('cut-after-commit', { endpoint: 'master', times: 1 });
  const db = clientOf<Schema>(cluster);
  const settled: boolean[] = [];
  db.on('outcome:settled', ({ committed }) => settled.push(committed));
  try {
    await db.write('DROP TABLE IF EXISTS ledger');
    await db.write('CREATE TABLE ledger (caller integer, seq integer, half integer)');
    await db.kysely
      .transaction()
      .execute((trx) => trx.insertInto('ledger').values({ caller: 1, seq: 1, half: 1 }).execute());
    expect(settled).toEqual([true]);
    expect(await counted(db, 'ledger')).toEqual(new Map([['1/1', 1]]));
    expect(await db.kysely.selectFrom('ledger').select('half').execute()).toEqual([{ half: 1 }]);
  } finally {
    await cluster.undoAllFaults();
    await db.close();
  }
});
