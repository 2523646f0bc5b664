import type { TlsOptions } from '../wire/wire.ts';

/** `'host'`, `'host:port'`, `'[::1]:port'`, or the two apart. @defaultValue port 5432 */
export type AddressOption = string | { readonly host: string; readonly port?: number };

/**
 * Each of them may be left out: connection strings and the variables of the process fill in what the code does not say
 * (see the package's README, "Where options come from").
 */
export interface SchoolDbOptions {
  /**
   * As libpq's, in either form, with one host or several: `postgres://app@db1:5432,db2:5432/school?sslmode=verify-full`.
   * With several, any of them may be the primary, and the others serve reads. What is given beside it here comes
   * before what it says.
   */
  readonly connectionString?: string;
  /**
   * Where to connect. `master` leads to the primary, and must be known from here, a connection string or a variable; a single PostgreSQL is a `master` alone. Without
   * `replica`, which leads to the standbys, reads go to the master. `masterPooler` and `replicaPooler` are PgBouncers
   * in transaction mode in front of the same servers; they take over where the direct ones are saturated.
   *
   * Each may be a list, where no address leads to the right server by itself: they are tried in turn, and the role of
   * whoever answers decides.
   */
  readonly endpoints?: {
    readonly master?: AddressOption | readonly AddressOption[];
    readonly replica?: AddressOption | readonly AddressOption[];
    readonly masterPooler?: AddressOption | readonly AddressOption[];
    readonly replicaPooler?: AddressOption | readonly AddressOption[];
  };
  /** Must be known from here, a connection string or a variable. */
  readonly database?: string;
  /** Must be known from here, a connection string or a variable. */
  readonly user?: string;
  /** The password, or a function that is asked for it on each new connection. @defaultValue none is sent */
  readonly password?: string | (() => string | Promise<string>);
  /** TLS; the certificate is always checked against `ca` and the host name. @defaultValue false */
  readonly tls?: boolean | TlsOptions;
  /**
   * Settings of the server's for each session, as libpq's `options`: `'-c search_path=app'`. Not with poolers, which
   * don't pass them on. @defaultValue none
   */
  readonly startupOptions?: string;
  /**
   * Which endpoints come first where there are both: `'direct'` ones, or the `'pooler'`s, for deployments of many
   * small processes. @defaultValue 'direct'
   */
  readonly prefer?: 'direct' | 'pooler';
  /**
   * What reads must not miss. `'process'`: what was written through this client before, in whatever way. `'session'`:
   * in a session (see {@link SchoolDb.session}) what the session has written and read; reads of the client itself may
   * lag. `'eventual'`: nothing, sessions included. A replica serves a read once it has proven that it holds what must
   * not be missed, which costs no round trip; where none can, the primary does. Needs the schema `schooldb`.
   * @defaultValue 'process', which holds for sessions as well
   */
  readonly consistency?: 'process' | 'session' | 'eventual';
  /**
   * How far behind the primary a replica may be that serves reads, in milliseconds; one that is further behind is
   * passed by. The primary is asked for it four times within this time while replicas are read. Integer from 100 to
   * 3600000. `false`: any. @defaultValue false
   */
  readonly maxStalenessMs?: number | false;
  /**
   * While there is no primary, let reads that belong there go to a replica, though they may miss the latest writes.
   * Writes wait as always. @defaultValue false
   */
  readonly readOnlyWhenNoPrimary?: boolean;
  /**
   * Functions of your own that have no effect, so that {@link SchoolDb.query} may run a SELECT that calls them on a
   * replica: `'name'` or `'schema.name'`. @defaultValue none
   */
  readonly safeFunctions?: readonly string[];
  /** The name that `pg_stat_activity` shows. @defaultValue 'schooldb' */
  readonly applicationName?: string;
  /**
   * Connections to one endpoint, at most, everything counted: two of them are kept for probes. Integer from 3 to
   * 1000. @defaultValue 20
   */
  readonly maxConnections?: number;
  /**
   * Callers that may wait for a connection to one endpoint; the next one is refused at once with
   * {@link WaitingLineFullError}. Integer from 0 to 1000000. @defaultValue 10000
   */
  readonly maxWaiting?: number;
  /**
   * How long an operation may take in all, in milliseconds: waiting, connecting, attempts, retries. Outlasts the
   * failover of a Patroni with its usual `ttl` of 30 s. Integer from 1 to 3600000. @defaultValue 60000
   */
  readonly deadlineMs?: number;
  /** An idle connection is closed after this time, in milliseconds. Integer from 1000 on. @defaultValue 30000 */
  readonly idleTimeoutMs?: number;
  /**
   * A connection is not used any more after about this time (10 % jitter), in milliseconds. Integer from 1000 on.
   * @defaultValue 1800000
   */
  readonly maxLifetimeMs?: number;
  /**
   * An attempt to connect that receives no byte for this long is given up, in milliseconds. Integer from 100 to
   * 60000. @defaultValue 1000
   */
  readonly connectSilenceMs?: number;
  /** How long {@link SchoolDb.close} waits for operations under way, in milliseconds. @defaultValue 10000 */
  readonly closeTimeoutMs?: number;
}

export const SCHOOL_DB_DEFAULTS = {
  prefer: 'direct',
  consistency: 'process',
  maxStalenessMs: false,
  readOnlyWhenNoPrimary: false,
  safeFunctions: [],
  applicationName: 'schooldb',
  maxConnections: 20,
  maxWaiting: 10_000,
  deadlineMs: 60_000,
  idleTimeoutMs: 30_000,
  maxLifetimeMs: 1_800_000,
  connectSilenceMs: 1_000,
  closeTimeoutMs: 10_000,
} as const satisfies Partial<SchoolDbOptions>;
