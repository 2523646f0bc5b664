/**
 * A drop-in for `pg`: everything that it exports, with a `Pool` and a `Client` that find the primary, survive a failover
 * and never end the process with an 'error' that nobody listens to. See "Drop-in for pg" in the README.
 */
import pg from 'pg';
import { Client as DropInClient } from '../api/pg/client.ts';
import { Pool as DropInPool } from '../api/pg/pool.ts';

export {
  Connection,
  DatabaseError,
  Query,
  Result,
  TypeOverrides,
  defaults,
  escapeIdentifier,
  escapeLiteral,
  types,
} from 'pg';
export type * from 'pg';

/** As `pg.Client`, with a `connect()` that looks for the primary. */
export const Client = DropInClient as unknown as typeof pg.Client;
export type Client = pg.Client;

/** As `pg.Pool`, over connections to the primary. */
export const Pool = DropInPool as unknown as typeof pg.Pool;
export type Pool = pg.Pool;

/** libpq is another client altogether. */
export const native = null;

const dropIn: typeof pg = { ...pg, Client, Pool, native };

export default dropIn;
// What `require()` returns, so that it is the same as with `pg`.
export { dropIn as 'module.exports' };
