import { tmpdir } from 'node:os';
import { ClusterError } from './errors.ts';
import { requireCertificates, requirePassword, type ServerCertificates } from './own-secrets.ts';

export const ENGINES = ['embedded', 'patroni'] as const;

export interface ClusterOptions {
  /**
   * `'embedded'`: servers from npm packages and a supervisor of our own. `'patroni'`: etcd, Patroni, HAProxy and
   * PgBouncer from the operating system's packages. @defaultValue 'embedded'
   */
  engine?: (typeof ENGINES)[number];
  /**
   * PostgreSQL's major version, 14 to 18. Embedded: those whose packages are installed. Patroni: those that
   * the operating system has; `'any'` takes the newest of them. @defaultValue 16; 'any' with Patroni
   */
  version?: PostgresVersion | 'any';
  /** Standbys beside the primary. Integer, 0 to 7. @defaultValue 2 */
  replicas?: number;
  /**
   * A COMMIT is acknowledged once one standby has it on disk. Needs `replicas` of 1 or more; with
   * no standby following, writes wait (as with Patroni's `synchronous_mode_strict`).
   * @defaultValue true where there are replicas
   */
  synchronous?: boolean;
  /**
   * The supervisor's delay between the loss of the primary and the promotion, in milliseconds,
   * 0 to 3600000; `false`: never. With `replicas: 0` the primary is started again after it.
   * With Patroni its `ttl`, how long the leader's lease lasts: whole seconds, 20000 to 3600000, never `false`.
   * @defaultValue 1000; 20000 with Patroni
   */
  promoteAfterMs?: number | false;
  /** Database that is created. 1 to 63 bytes. @defaultValue 'firmendaten' */
  database?: string;
  /** Ordinary role that is created and owns the database. 1 to 63 bytes. @defaultValue 'bauer' */
  user?: string;
  /** The role's password: 1 to 100 printable ASCII characters but blanks, quotes and backslashes. @defaultValue random */
  password?: string;
  /** The superuser's, within the same limits. @defaultValue random */
  superuserPassword?: string;
  /**
   * What servers and poolers show to clients. Parts of the cluster trust whatever this authority has signed; for clients
   * that verify names, `connectionString()` among them, it must hold 127.0.0.1.
   * @defaultValue an authority of the cluster's own, and a certificate for localhost, 127.0.0.1 and ::1
   */
  certificates?: ServerCertificates;
  /** SQL that is run once, as superuser, in the database, before standbys are cloned. */
  initSql?: string;
  /** `max_connections` of each server, three of them reserved for superusers. Integer, 10 to 2000. @defaultValue 100 */
  maxConnections?: number;
  /** `'auto'`: where PgBouncer is installed; `true`: refuse to start without; `false`: never. @defaultValue 'auto' */
  poolers?: boolean | 'auto';
  /** Further settings for postgresql.conf. Those that the cluster itself lives on are refused. */
  settings?: Record<string, string>;
  /** An existing directory in which the cluster makes its own. @defaultValue os.tmpdir() */
  dataDirectory?: string;
  /**
   * The data of each server lies on a file system of its own of so many megabytes, which the fault
   * `disk-full` fills (Linux; in memory). Integer, 128 to 1048576; `false`: on the disk of `dataDirectory`.
   * @defaultValue false
   */
  diskMb?: number | false;
  /**
   * The virtual IPs end TLS themselves on every connection, so that faults of the protocol also hit those
   * that were opened before. Otherwise only connections opened while such a fault is in force are read.
   * @defaultValue false
   */
  terminateTls?: boolean;
  /** Gives the start up; a cluster that runs already is ended with `stop()`. */
  signal?: AbortSignal;
}

export const POSTGRES_VERSIONS = [14, 15, 16, 17, 18] as const;
/** Its package is a dependency; those of the others are installed by whoever wants them. */
export const DEFAULT_VERSION = 16;
export type PostgresVersion = (typeof POSTGRES_VERSIONS)[number];

/** Made up where they are not given. */
type Secrets = 'password' | 'superuserPassword' | 'certificates';

export type ResolvedOptions = Readonly<Required<Omit<ClusterOptions, 'signal' | Secrets>>> &
  Readonly<Pick<ClusterOptions, Secrets>>;

/** Of Patroni, which takes no shorter one. */
export const SHORTEST_LEASE_MS = 20_000;

export const CLUSTER_DEFAULTS = {
  engine: 'embedded',
  replicas: 2,
  promoteAfterMs: 1_000,
  database: 'firmendaten',
  user: 'bauer',
  initSql: '',
  maxConnections: 100,
  poolers: 'auto',
  diskMb: false,
  terminateTls: false,
} as const satisfies ClusterOptions;

/** Names the cluster's own roles and databases have. */
export const SUPERUSER = 'postgres';
export const REPLICATION_USER = 'replicator';

const KNOWN = [
  ...Object.keys(CLUSTER_DEFAULTS),
  'version',
  'synchronous',
  'password',
  'superuserPassword',
  'certificates',
  'settings',
  'dataDirectory',
  'signal',
];

/** Changing these would take the cluster's own mechanisms away. */
const OWN_SETTINGS = new Set([
  'archive_mode',
  'cluster_name',
  'data_directory',
  'dynamic_shared_memory_type',
  'fsync',
  'hba_file',
  'hot_standby',
  'listen_addresses',
  'log_directory',
  'logging_collector',
  'log_destination',
  'max_connections',
  'port',
  'primary_conninfo',
  'primary_slot_name',
  'ssl',
  'ssl_ca_file',
  'ssl_cert_file',
  'ssl_key_file',
  'synchronous_standby_names',
  'unix_socket_directories',
  'wal_level',
]);

/** Merges the defaults and refuses what is out of range, naming option, value and range. */
export function resolveOptions(options: ClusterOptions = {}): ResolvedOptions {
  const unknown = Object.keys(options).find((key) => !KNOWN.includes(key));
  if (unknown !== undefined) throw bad(unknown, 'is not an option', `known are ${KNOWN.join(', ')}`);
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const merged = {
    ...CLUSTER_DEFAULTS,
    ...(options.engine === 'patroni' ? { promoteAfterMs: SHORTEST_LEASE_MS } : {}),
    settings: {},
    dataDirectory: tmpdir(),
    ...given,
  } as Required<Omit<ClusterOptions, 'signal' | 'synchronous' | 'version' | Secrets>> & ClusterOptions;

  if (!ENGINES.includes(merged.engine)) throw bad('engine', shown(merged.engine), ENGINES.join(', '));
  const version = merged.version ?? (merged.engine === 'patroni' ? 'any' : DEFAULT_VERSION);
  requireVersion(version, merged.engine);
  requireInteger('replicas', merged.replicas, 0, 7);
  const synchronous = merged.synchronous ?? merged.replicas > 0;
  if (typeof synchronous !== 'boolean') throw bad('synchronous', shown(synchronous), 'true or false');
  if (synchronous && merged.replicas === 0) {
    throw bad('synchronous', 'true with replicas 0', 'a synchronous standby needs replicas of 1 or more');
  }
  if (merged.engine === 'patroni') requireLease(merged.promoteAfterMs);
  else if (merged.promoteAfterMs !== false)
    requireInteger('promoteAfterMs', merged.promoteAfterMs, 0, 3_600_000, 'or false');
  requireName('database', merged.database, ['postgres', 'template0', 'template1']);
  requireName('user', merged.user, [SUPERUSER, REPLICATION_USER]);
  requirePassword('password', merged.password);
  requirePassword('superuserPassword', merged.superuserPassword);
  requireCertificates(merged.certificates);
  if (typeof merged.initSql !== 'string') throw bad('initSql', shown(merged.initSql), 'SQL as a string');
  requireInteger('maxConnections', merged.maxConnections, 10, 2_000);
  if (merged.poolers !== 'auto' && typeof merged.poolers !== 'boolean') {
    throw bad('poolers', shown(merged.poolers), "true, false or 'auto'");
  }
  if (merged.diskMb !== false) requireInteger('diskMb', merged.diskMb, 128, 1_048_576, 'or false');
  if (typeof merged.terminateTls !== 'boolean')
    throw bad('terminateTls', shown(merged.terminateTls), 'true or false');
  requireSettings(merged.settings);
  if (typeof merged.dataDirectory !== 'string' || merged.dataDirectory === '') {
    throw bad('dataDirectory', shown(merged.dataDirectory), 'an existing directory');
  }
  if (merged.signal !== undefined && !(merged.signal instanceof AbortSignal)) {
    throw bad('signal', shown(merged.signal), 'an AbortSignal');
  }
  const { signal: _signal, ...resolved } = merged;
  return Object.freeze({ ...resolved, synchronous, version });
}

function requireInteger(option: string, value: unknown, least: number, most: number, or = ''): void {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return;
  throw bad(option, shown(value), `an integer from ${least} to ${most}${or === '' ? '' : ` ${or}`}`);
}

/** Patroni counts in seconds, and promotes by the end of a lease alone: its fault `pause` is how nobody is promoted. */
function requireLease(value: unknown): void {
  const whole = typeof value === 'number' && value % 1_000 === 0;
  if (whole && value >= SHORTEST_LEASE_MS && value <= 3_600_000) return;
  throw bad(
    'promoteAfterMs',
    shown(value),
    `whole seconds from ${SHORTEST_LEASE_MS} to 3600000 with engine patroni, whose ttl it is; for no promotion use the fault pause`,
  );
}

function requireVersion(version: unknown, engine: ClusterOptions['engine']): void {
  if ((POSTGRES_VERSIONS as readonly unknown[]).includes(version)) return;
  if (version === 'any' && engine === 'patroni') return;
  const any = engine === 'patroni' ? " or 'any'" : '';
  throw bad('version', shown(version), `${POSTGRES_VERSIONS.join(', ')}${any}`);
}

function requireName(option: string, value: unknown, taken: readonly string[]): void {
  const fits =
    typeof value === 'string' && value !== '' && Buffer.byteLength(value) <= 63 && !value.startsWith('pg_');
  // PgBouncer's ini file and userlist know no escape for these.
  if (!fits || /[\p{Cc}"'\\=;#*]/u.test(value)) {
    throw bad(
      option,
      shown(value),
      'a name of 1 to 63 bytes without quotes, backslashes and =;#* that does not begin with pg_',
    );
  }
  if (taken.includes(value)) throw bad(option, shown(value), `any name but ${taken.join(', ')}`);
}

function requireSettings(settings: unknown): void {
  if (typeof settings !== 'object' || settings === null)
    throw bad('settings', shown(settings), 'an object of strings');
  for (const [name, value] of Object.entries(settings)) {
    if (!/^[a-z_][a-z0-9_.]*$/.test(name))
      throw bad(`settings.${name}`, 'is not the name of a setting', 'see postgresql.conf');
    if (OWN_SETTINGS.has(name)) throw bad(`settings.${name}`, 'is set by the cluster itself', 'leave it out');
    if (typeof value !== 'string' || /[\0\n\r]/.test(value))
      throw bad(`settings.${name}`, shown(value), 'a string of one line');
  }
}

function bad(option: string, given: string, allowed: string): ClusterError {
  return new ClusterError('bad-option', `option ${option}: ${given} (allowed: ${allowed})`);
}

function shown(value: unknown): string {
  return `${JSON.stringify(value) ?? String(value)} was given`;
}
