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

/** So that `pg.PoolClient` and the others are types as well, as they are of pg's own default export. */
// oxlint-disable typescript/no-explicit-any -- The defaults are pg's own.
declare namespace dropIn {
  type BindConfig = pg.BindConfig;
  type Client = pg.Client;
  type ClientBase = pg.ClientBase;
  type ClientConfig = pg.ClientConfig;
  type Connection = pg.Connection;
  type ConnectionConfig = pg.ConnectionConfig;
  type CustomTypesConfig = pg.CustomTypesConfig;
  type DatabaseError = pg.DatabaseError;
  type Defaults = pg.Defaults;
  type Events = pg.Events;
  type ExecuteConfig = pg.ExecuteConfig;
  type FieldDef = pg.FieldDef;
  type MessageConfig = pg.MessageConfig;
  type Notification = pg.Notification;
  type Pool = pg.Pool;
  type PoolClient = pg.PoolClient;
  type PoolConfig = pg.PoolConfig;
  type PoolOptions = pg.PoolOptions;
  type Query = pg.Query;
  type QueryArrayConfig<I = any[]> = pg.QueryArrayConfig<I>;
  type QueryArrayResult<R extends any[] = any[]> = pg.QueryArrayResult<R>;
  type QueryConfig<I = any[]> = pg.QueryConfig<I>;
  type QueryConfigValues<T> = pg.QueryConfigValues<T>;
  type QueryParse = pg.QueryParse;
  type QueryResult<R extends pg.QueryResultRow = any> = pg.QueryResult<R>;
  type QueryResultBase = pg.QueryResultBase;
  type QueryResultRow = pg.QueryResultRow;
  type Result = pg.Result;
  type ResultBuilder<R extends pg.QueryResultRow = any> = pg.ResultBuilder<R>;
  type Submittable = pg.Submittable;
  type TypeOverrides = pg.TypeOverrides;
}
// oxlint-enable typescript/no-explicit-any

export default dropIn;
// What `require()` returns, so that it is the same as with `pg`.
export { dropIn as 'module.exports' };
