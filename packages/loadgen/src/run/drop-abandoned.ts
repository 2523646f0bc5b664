import { openMaster, reasonOf, whereIs } from '../bed/open-master.ts';
import { TargetError } from '../bed/target-error.ts';
import type { Target } from '../drivers/target.ts';
import { TABLE_NAMES } from './tables.ts';

/** By name and comment, and of this role alone: nobody else's table is dropped because it is called like one of ours. */
const TABLES = `
  select c.oid::regclass::text as name from pg_class c
   where c.relkind = 'r' and c.relname ~ '${TABLE_NAMES}'
     and obj_description(c.oid, 'pg_class') = $1 and pg_get_userbyid(c.relowner) = current_user
   order by 1`;

/**
 * Drops the tables that runs of this owner have left which were killed. Whether one still runs cannot be told from the
 * database, where a failover ends all its connections: the caller has to know that none does.
 *
 * @param owner - as in the context of those runs.
 * @returns their names.
 * @throws TargetError when the database cannot be reached, or refuses.
 */
export async function dropAbandoned(target: Target, owner: string): Promise<string[]> {
  const connection = await openMaster(target);
  try {
    const { rows } = await connection.query(TABLES, [owner]);
    const names = rows.map(({ name }) => String(name));
    // A connection of the dead run may still be on its way out.
    await connection.query(`set lock_timeout = '10s'`);
    if (names.length > 0) await connection.query(`drop table ${names.join(', ')}`);
    return names;
  } catch (error) {
    throw new TargetError(`cannot tidy up ${whereIs(target)}: ${reasonOf(error)}`, { cause: error });
  } finally {
    connection.destroy();
  }
}
