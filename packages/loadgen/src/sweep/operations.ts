import type { SchoolDb } from '@schooldb/client';
import type { Expected } from './judge.ts';

/** One call of an app, whose effects carry an id of their own. */
export interface SweepOperation extends Expected {
  readonly name: string;
  /** Acknowledged before it is on disk: a crash may lose it (PostgreSQL manual, "Asynchronous Commit"). */
  readonly unsafe?: boolean;
  readonly call: (db: SchoolDb, id: number, options: { deadlineMs: number }) => Promise<unknown>;
}

/** `sweep_effect` has no key: a row that is written twice is there twice. */
export const SWEEP_TABLES = `
CREATE TABLE sweep_effect (id integer NOT NULL);
CREATE TABLE sweep_parent (id integer PRIMARY KEY);
CREATE TABLE sweep_child (id integer REFERENCES sweep_parent DEFERRABLE INITIALLY DEFERRED);
`;

const INSERT = 'INSERT INTO sweep_effect VALUES ($1)';

const FOREIGN_KEY_VIOLATION = '23503';

const OPERATIONS = [
  {
    name: 'transaction',
    rows: 2,
    refusedWith: null,
    call: (db, id, options) =>
      db.transaction(async (tx) => {
        await tx.query(INSERT, [id]);
        await tx.query(INSERT, [id]);
      }, options),
  },
  {
    name: 'savepoints',
    rows: 2,
    refusedWith: null,
    call: (db, id, options) =>
      db.transaction(async (tx) => {
        await tx.query(INSERT, [id]);
        await tx
          .transaction(async (inner) => {
            await inner.query(INSERT, [id]);
            await inner.query('SELECT 1 / 0');
          })
          .catch(onlyDivisionByZero);
        await tx.transaction((inner) => inner.query(INSERT, [id]));
      }, options),
  },
  {
    name: 'deferred-constraint',
    rows: 0,
    refusedWith: FOREIGN_KEY_VIOLATION,
    call: (db, id, options) =>
      db.transaction(async (tx) => {
        await tx.query(INSERT, [id]);
        await tx.query('INSERT INTO sweep_child VALUES ($1)', [id]);
      }, options),
  },
  {
    name: 'no-xid',
    rows: 0,
    refusedWith: null,
    call: (db, id, options) =>
      db.transaction((tx) => tx.query(`SELECT pg_notify('sweep', $1)`, [String(id)]), options),
  },
  {
    name: 'synchronous-commit-off',
    unsafe: true,
    rows: 2,
    refusedWith: null,
    call: (db, id, options) =>
      db.transaction(async (tx) => {
        await tx.query('SET LOCAL synchronous_commit = off');
        await tx.query(INSERT, [id]);
        await tx.query(INSERT, [id]);
      }, options),
  },
  {
    name: 'serializable',
    rows: 1,
    refusedWith: null,
    call: (db, id, options) =>
      db.transaction((tx) => tx.query(INSERT, [id]), { ...options, isolation: 'serializable' }),
  },
  {
    name: 'statement',
    rows: 2,
    refusedWith: null,
    call: (db, id, options) =>
      db.write('INSERT INTO sweep_effect VALUES ($1), ($1)', [id], { ...options, exactlyOnce: true }),
  },
  {
    name: 'statement-returning',
    rows: 1,
    refusedWith: null,
    call: async (db, id, options) => {
      const { rows } = await db.write(`${INSERT} RETURNING id`, [id], { ...options, exactlyOnce: true });
      if (rows.length !== 1 || rows[0]?.['id'] !== id)
        throw new Error(`RETURNING gave ${JSON.stringify(rows)} for ${id}`);
    },
  },
] as const satisfies readonly SweepOperation[];

export const SWEEP_OPERATIONS: readonly SweepOperation[] = OPERATIONS;

function onlyDivisionByZero(error: unknown): void {
  if ((error as { code?: string }).code !== '22012') throw error;
}
