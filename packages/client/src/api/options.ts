import type { Address } from '../endpoint/address-order.ts';
import { InvalidOptionsError } from '../errors/option-errors.ts';
import type { TlsOptions } from '../wire/wire.ts';
import {
  checkBoolean,
  checkInteger,
  checkKeys,
  checkNames,
  checkObject,
  checkOneOf,
  checkText,
  describe,
} from './option-checks.ts';

/** `'host'`, `'host:port'`, `'[::1]:port'`, or the two apart. @defaultValue port 5432 */
export type AddressOption = string | { readonly host: string; readonly port?: number };

export interface SchoolDbOptions {
  /**
   * Where to connect. `master` leads to the primary and is required; a single PostgreSQL is a `master` alone. Without
   * `replica`, which leads to the standbys, reads go to the master. `masterPooler` and `replicaPooler` are PgBouncers
   * in transaction mode in front of the same servers; they take over where the direct ones are saturated.
   *
   * Each may be a list, where no address leads to the right server by itself: they are tried in turn, and the role of
   * whoever answers decides.
   */
  readonly endpoints: {
    readonly master: AddressOption | readonly AddressOption[];
    readonly replica?: AddressOption | readonly AddressOption[];
    readonly masterPooler?: AddressOption | readonly AddressOption[];
    readonly replicaPooler?: AddressOption | readonly AddressOption[];
  };
  readonly database: string;
  readonly user: string;
  /** The password, or a function that is asked for it on each new connection. @defaultValue none is sent */
  readonly password?: string | (() => string | Promise<string>);
  /** TLS; the certificate is always checked against `ca` and the host name. @defaultValue false */
  readonly tls?: boolean | TlsOptions;
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

/** Checked and complete. */
export interface ResolvedOptions {
  readonly master: readonly Address[];
  readonly replica: readonly Address[] | undefined;
  readonly masterPooler: readonly Address[] | undefined;
  readonly replicaPooler: readonly Address[] | undefined;
  readonly prefer: 'direct' | 'pooler';
  readonly consistency: 'process' | 'session' | 'eventual';
  readonly maxStalenessMs: number | false;
  readonly readOnlyWhenNoPrimary: boolean;
  readonly safeFunctions: readonly string[];
  readonly database: string;
  readonly user: string;
  readonly password: () => string | Promise<string>;
  readonly tls: TlsOptions | false;
  readonly applicationName: string;
  readonly maxConnections: number;
  readonly maxWaiting: number;
  readonly deadlineMs: number;
  readonly idleTimeoutMs: number;
  readonly maxLifetimeMs: number;
  readonly connectSilenceMs: number;
  readonly closeTimeoutMs: number;
}

const INTEGER_RANGES = {
  maxConnections: [3, 1_000],
  maxWaiting: [0, 1_000_000],
  deadlineMs: [1, 3_600_000],
  idleTimeoutMs: [1_000, 86_400_000],
  maxLifetimeMs: [1_000, 604_800_000],
  connectSilenceMs: [100, 60_000],
  closeTimeoutMs: [0, 3_600_000],
} as const;

const KEYS = ['endpoints', 'database', 'user', 'password', 'tls', ...Object.keys(SCHOOL_DB_DEFAULTS)];

/** @throws InvalidOptionsError that names the option, what was given and what is allowed. */
export function resolveOptions(given: SchoolDbOptions): ResolvedOptions {
  const options = checkObject('the options of createSchoolDb', given);
  checkKeys('createSchoolDb', options, KEYS);
  const endpoints = checkObject("'endpoints'", options['endpoints']);
  checkKeys("'endpoints'", endpoints, ['master', 'replica', 'masterPooler', 'replicaPooler']);
  const optional = (kind: 'replica' | 'masterPooler' | 'replicaPooler') =>
    endpoints[kind] === undefined ? undefined : resolveAddresses(`endpoints.${kind}`, endpoints[kind]);
  const integer = (name: keyof typeof INTEGER_RANGES) => {
    const [min, max] = INTEGER_RANGES[name];
    return checkInteger(`'${name}'`, options[name] ?? SCHOOL_DB_DEFAULTS[name], min, max);
  };
  return Object.freeze({
    master: resolveAddresses('endpoints.master', endpoints['master']),
    replica: optional('replica'),
    masterPooler: optional('masterPooler'),
    replicaPooler: optional('replicaPooler'),
    prefer: checkOneOf("'prefer'", options['prefer'] ?? SCHOOL_DB_DEFAULTS.prefer, ['direct', 'pooler']),
    consistency: checkOneOf("'consistency'", options['consistency'] ?? SCHOOL_DB_DEFAULTS.consistency, [
      'process',
      'session',
      'eventual',
    ]),
    maxStalenessMs: resolveMaxStaleness(options['maxStalenessMs'] ?? SCHOOL_DB_DEFAULTS.maxStalenessMs),
    readOnlyWhenNoPrimary: checkBoolean(
      "'readOnlyWhenNoPrimary'",
      options['readOnlyWhenNoPrimary'] ?? SCHOOL_DB_DEFAULTS.readOnlyWhenNoPrimary,
    ),
    safeFunctions: checkNames(
      "'safeFunctions'",
      options['safeFunctions'] ?? SCHOOL_DB_DEFAULTS.safeFunctions,
    ),
    database: checkText("'database'", options['database']),
    user: checkText("'user'", options['user']),
    password: resolvePassword(options['password']),
    tls: resolveTls(options['tls']),
    applicationName: checkText(
      "'applicationName'",
      options['applicationName'] ?? SCHOOL_DB_DEFAULTS.applicationName,
    ),
    maxConnections: integer('maxConnections'),
    maxWaiting: integer('maxWaiting'),
    deadlineMs: integer('deadlineMs'),
    idleTimeoutMs: integer('idleTimeoutMs'),
    maxLifetimeMs: integer('maxLifetimeMs'),
    connectSilenceMs: integer('connectSilenceMs'),
    closeTimeoutMs: integer('closeTimeoutMs'),
  });
}

const ADDRESS = /^(?:\[(?<ipv6>[0-9a-f:.]+)\]|(?<host>[^:\s/]+))(?::(?<port>\d+))?$/i;
const DEFAULT_PORT = 5432;

function resolveAddresses(name: string, given: unknown): readonly Address[] {
  if (!Array.isArray(given)) return [resolveAddress(name, given)];
  if (given.length === 0)
    throw new InvalidOptionsError(`'${name}' must name an address, but is an empty list`);
  return given.map((each, index) => resolveAddress(`${name}[${index}]`, each));
}

function resolveAddress(name: string, given: unknown): Address {
  if (typeof given === 'string') {
    const parts = ADDRESS.exec(given)?.groups;
    const host = parts?.['ipv6'] ?? parts?.['host'];
    if (host === undefined) {
      throw new InvalidOptionsError(`'${name}' must be 'host' or 'host:port', but is ${describe(given)}`);
    }
    const port = parts?.['port'];
    return { host, port: checkPort(name, port === undefined ? DEFAULT_PORT : Number(port)) };
  }
  if (given === undefined) throw new InvalidOptionsError(`'${name}' is missing: give 'host' or 'host:port'`);
  const address = checkObject(`'${name}'`, given);
  checkKeys(`'${name}'`, address, ['host', 'port']);
  return {
    host: checkText(`'${name}.host'`, address['host']),
    port: checkPort(name, address['port'] ?? DEFAULT_PORT),
  };
}

function resolveMaxStaleness(given: unknown): number | false {
  if (given === false) return false;
  return checkInteger("'maxStalenessMs' (or false)", given, 100, 3_600_000);
}

function checkPort(name: string, port: unknown): number {
  return checkInteger(`the port of '${name}'`, port, 1, 65_535);
}

function resolvePassword(given: unknown): () => string | Promise<string> {
  if (given === undefined) return () => '';
  if (typeof given === 'function') return given as () => string | Promise<string>;
  // Not described: whatever it is, it may be a secret.
  if (typeof given !== 'string')
    throw new InvalidOptionsError("'password' must be a text or a function that returns one");
  return () => given;
}

function resolveTls(given: unknown): TlsOptions | false {
  if (given === undefined || given === false) return false;
  if (given === true) return {};
  const tls = checkObject("'tls'", given);
  checkKeys("'tls'", tls, ['ca', 'serverName']);
  const { ca, serverName } = tls;
  if (ca !== undefined && typeof ca !== 'string' && !Buffer.isBuffer(ca)) {
    throw new InvalidOptionsError(
      `'tls.ca' must be certificates in PEM, as a text or a Buffer, but is ${describe(ca)}`,
    );
  }
  return { ca, serverName: serverName === undefined ? undefined : checkText("'tls.serverName'", serverName) };
}
