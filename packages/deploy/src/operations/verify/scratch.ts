/**
 * The one table that verify writes to, in a schema of its own. It is gone afterwards; what a run that was killed has
 * left behind goes at the beginning of the next. Only one run at a time: an advisory lock sees to that, which the server
 * takes back from whoever dies.
 */
import { AdvisoryLockBusyError } from '@schooldb/client';
import type { SchoolDb } from '@schooldb/client';

const SCHEMA = 'schooldb_verify';
/** By which it is known as ours: a schema of somebody else is never dropped. */
const REMARK = 'schooldb-deploy verify: may be dropped at any time';

export const SCRATCH_TABLE = `${SCHEMA}.probe`;

/** A schema of the name that is not ours. */
export class ScratchTakenError extends Error {
  constructor() {
    super(`the schema ${SCHEMA} is somebody else's`);
  }
}

/**
 * @param use - gets `drop`, to be called at the end, whatever has happened.
 * @throws AdvisoryLockBusyError where another run is under way, ScratchTakenError; what `use` throws.
 */
export async function withScratch<T>(
  db: SchoolDb,
  deadlineMs: number,
  use: (drop: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const drop = () =>
    db.transaction((tx) => dropOurs(tx), { deadlineMs, exactlyOnce: false, name: 'scratch' });
  return db.withAdvisoryLock(
    SCHEMA,
    async () => {
      await db.transaction(
        async (tx) => {
          await dropOurs(tx);
          await tx.query(`CREATE SCHEMA ${SCHEMA}`);
          await tx.query(`COMMENT ON SCHEMA ${SCHEMA} IS '${REMARK}'`);
          await tx.query(`CREATE TABLE ${SCRATCH_TABLE} (way text PRIMARY KEY)`);
        },
        { deadlineMs, exactlyOnce: false, name: 'scratch' },
      );
      return use(drop);
    },
    { wait: deadlineMs },
  );
}

export function isBusy(error: unknown): boolean {
  return error instanceof AdvisoryLockBusyError;
}

interface Queries {
  query(text: string, values?: readonly unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
}

async function dropOurs(tx: Queries): Promise<void> {
  const { rows } = await tx.query(
    `SELECT obj_description(oid, 'pg_namespace') AS remark FROM pg_namespace WHERE nspname = $1`,
    [SCHEMA],
  );
  const [found] = rows;
  if (found === undefined) return;
  if (found['remark'] !== REMARK) throw new ScratchTakenError();
  await tx.query(`DROP SCHEMA ${SCHEMA} CASCADE`);
}
