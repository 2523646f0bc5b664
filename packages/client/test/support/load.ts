import type { SchoolDb } from '../../src/index.ts';

/** Callers that write and read without pause until they are stopped, and count what became of it. */
export interface Load {
  readonly errors: unknown[];
  readonly written: () => number;
  /** Ends the load; resolves when every caller has its last answer. */
  stop(): Promise<void>;
  /** @returns rows there, and different ones among them: both equal `written()` when nothing was lost or doubled. */
  count(): Promise<{ rows: number; different: number }>;
}

let runs = 0;

/** Blind inserts: no key could hide a duplicate. */
export async function startLoad(
  db: SchoolDb,
  callers: number,
  options: { reads?: boolean } = {},
): Promise<Load> {
  const { reads = true } = options;
  runs += 1;
  const table = `load_${runs}`;
  await db.write(`CREATE TABLE ${table} (caller integer, seq integer)`);
  const errors: unknown[] = [];
  let written = 0;
  const ending = new AbortController();
  const call = async (caller: number): Promise<void> => {
    for (let seq = 0; !ending.signal.aborted; seq += 1) {
      try {
        await db.write(`INSERT INTO ${table} VALUES ($1, $2)`, [caller, seq], { exactlyOnce: true });
        written += 1;
        if (reads) await db.read(`SELECT count(*) FROM pg_catalog.pg_class`);
      } catch (error) {
        errors.push(error);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const all = Array.from({ length: callers }, (_, caller) => call(caller));
  return {
    errors,
    written: () => written,
    async stop() {
      ending.abort();
      await Promise.all(all);
    },
    async count() {
      const { rows } = await db.query<{ rows: number; different: number }>(
        `SELECT count(*)::integer AS rows, count(DISTINCT (caller, seq))::integer AS different FROM ${table}`,
      );
      return rows[0] ?? { rows: 0, different: 0 };
    },
  };
}
