/** The variables that options come from where the code leaves them out. */
import { InvalidOptionsError } from '../errors/option-errors.ts';
import { nearestHint } from './option-checks.ts';
import type { Environment, Given, OptionName, OptionSource } from './option-source.ts';
import { variable } from './option-source.ts';
import type { LibpqParameter } from './libpq-parameters.ts';
import { readLibpqParameters } from './libpq-parameters.ts';

/** The connection string that is ours, and the one of many platforms, which is read where nothing of ours is there. */
export const OWN_URL = 'SCHOOLDB_URL';
export const PLATFORM_URL = 'DATABASE_URL';

interface OwnVariable {
  readonly option: OptionName;
  /** What cannot be read stays a text, which the check of the option refuses. */
  readonly read: (text: string) => unknown;
}

const asText = (text: string) => text;
const asInteger = (text: string) => (/^\d{1,15}$/.test(text) ? Number(text) : text);
const asBoolean = (text: string) => (text === 'true' || text === 'false' ? text === 'true' : text);
const asList = (text: string) => text.split(',').map((each) => each.trim());

/** An option's name in capitals, each with what becomes of its text. */
export const OWN_VARIABLES: Readonly<Record<string, OwnVariable>> = {
  SCHOOLDB_MASTER: { option: 'master', read: asList },
  SCHOOLDB_REPLICA: { option: 'replica', read: asList },
  SCHOOLDB_MASTER_POOLER: { option: 'masterPooler', read: asList },
  SCHOOLDB_REPLICA_POOLER: { option: 'replicaPooler', read: asList },
  SCHOOLDB_DATABASE: { option: 'database', read: asText },
  SCHOOLDB_USER: { option: 'user', read: asText },
  SCHOOLDB_PASSWORD: { option: 'password', read: asText },
  SCHOOLDB_PASSWORD_FILE: { option: 'passwordFile', read: asText },
  SCHOOLDB_TLS: { option: 'tls', read: asBoolean },
  SCHOOLDB_TLS_CA_FILE: { option: 'tlsCaFile', read: asText },
  SCHOOLDB_TLS_SERVER_NAME: { option: 'tlsServerName', read: asText },
  SCHOOLDB_STARTUP_OPTIONS: { option: 'startupOptions', read: asText },
  SCHOOLDB_PREFER: { option: 'prefer', read: asText },
  SCHOOLDB_CONSISTENCY: { option: 'consistency', read: asText },
  SCHOOLDB_MAX_STALENESS_MS: {
    option: 'maxStalenessMs',
    read: (text) => text !== 'false' && asInteger(text),
  },
  SCHOOLDB_READ_ONLY_WHEN_NO_PRIMARY: { option: 'readOnlyWhenNoPrimary', read: asBoolean },
  SCHOOLDB_SAFE_FUNCTIONS: { option: 'safeFunctions', read: asList },
  SCHOOLDB_APPLICATION_NAME: { option: 'applicationName', read: asText },
  SCHOOLDB_MAX_CONNECTIONS: { option: 'maxConnections', read: asInteger },
  SCHOOLDB_MAX_WAITING: { option: 'maxWaiting', read: asInteger },
  SCHOOLDB_DEADLINE_MS: { option: 'deadlineMs', read: asInteger },
  SCHOOLDB_IDLE_TIMEOUT_MS: { option: 'idleTimeoutMs', read: asInteger },
  SCHOOLDB_MAX_LIFETIME_MS: { option: 'maxLifetimeMs', read: asInteger },
  SCHOOLDB_CONNECT_SILENCE_MS: { option: 'connectSilenceMs', read: asInteger },
  SCHOOLDB_CLOSE_TIMEOUT_MS: { option: 'closeTimeoutMs', read: asInteger },
};

/** For tests and benches of this project, which name them before a client is made. */
const OF_OTHER_PACKAGES = ['SCHOOLDB_POSTGRES_VERSION', 'SCHOOLDB_POSTGRES_PACKAGES', 'SCHOOLDB_BENCH_PLAN'];

/** Of libpq's variables, those that say where to connect; they count only together. */
export const LIBPQ_ADDRESS_VARIABLES: Readonly<Record<string, string>> = {
  PGHOST: 'host',
  PGPORT: 'port',
  PGTARGETSESSIONATTRS: 'target_session_attrs',
};

/** Those that fill in what nothing else says. */
export const LIBPQ_VARIABLES: Readonly<Record<string, string>> = {
  PGDATABASE: 'dbname',
  PGUSER: 'user',
  PGPASSWORD: 'password',
  PGPASSFILE: 'passfile',
  PGAPPNAME: 'application_name',
  PGOPTIONS: 'options',
  PGCONNECT_TIMEOUT: 'connect_timeout',
  PGSSLMODE: 'sslmode',
  PGSSLROOTCERT: 'sslrootcert',
};

/** Not supported, or with one value only: refused where libpq's variables say where to connect. */
const LIBPQ_LIMITS: Readonly<Record<string, string>> = {
  PGCHANNELBINDING: 'channel_binding',
  PGCLIENTENCODING: 'client_encoding',
  PGGSSENCMODE: 'gssencmode',
  PGHOSTADDR: 'hostaddr',
  PGLOADBALANCEHOSTS: 'load_balance_hosts',
  PGREQUIREAUTH: 'require_auth',
  PGREQUIREPEER: 'requirepeer',
  PGSERVICE: 'service',
  PGSSLCERT: 'sslcert',
  PGSSLCRL: 'sslcrl',
  PGSSLCRLDIR: 'sslcrldir',
  PGSSLKEY: 'sslkey',
  PGSSLMAXPROTOCOLVERSION: 'ssl_max_protocol_version',
  PGSSLMINPROTOCOLVERSION: 'ssl_min_protocol_version',
  PGSSLNEGOTIATION: 'sslnegotiation',
};

/** What the variables `SCHOOLDB_…` say, except {@link OWN_URL}. @throws InvalidOptionsError for one that is unknown. */
export function readOwnVariables(env: Environment): OptionSource {
  const options: Partial<Record<OptionName, Given>> = {};
  for (const [name, text = ''] of Object.entries(env)) {
    if (!name.startsWith('SCHOOLDB_') || name === OWN_URL) continue;
    const known = Object.hasOwn(OWN_VARIABLES, name) ? OWN_VARIABLES[name] : undefined;
    if (known === undefined) checkForeign(name, text);
    else if (text !== '') options[known.option] = { name, value: known.read(text) };
  }
  return options;
}

function checkForeign(name: string, text: string): void {
  if (OF_OTHER_PACKAGES.includes(name) || isServiceLink(name, text)) return;
  const known = [...Object.keys(OWN_VARIABLES), OWN_URL];
  throw new InvalidOptionsError(
    `${name}: unknown variable.${nearestHint(name, known)} Allowed are ${known.join(', ')}`,
  );
}

/**
 * What Kubernetes sets in every container for a service that is called `schooldb` or `schooldb-…` (its manual, "Accessing
 * the Service", environment variables).
 */
function isServiceLink(name: string, text: string): boolean {
  if (/_SERVICE_(HOST|PORT(_\w+)?)$/.test(name)) return true;
  if (/_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/.test(name)) return true;
  return name.endsWith('_PORT') && /^(tcp|udp|sctp):\/\//.test(text);
}

/** @param withHosts - whether they may say where to connect: with `PGHOST`, which the others then belong to. */
export function readLibpqVariables(env: Environment, withHosts: boolean): OptionSource {
  const names =
    withHosts && variable(env, 'PGHOST') !== undefined
      ? { ...LIBPQ_VARIABLES, ...LIBPQ_ADDRESS_VARIABLES, ...LIBPQ_LIMITS }
      : LIBPQ_VARIABLES;
  const parameters = Object.entries(names).flatMap(([name, keyword]): LibpqParameter[] => {
    const value = variable(env, name);
    return value === undefined ? [] : [{ keyword, name, value, mayShow: true }];
  });
  return readLibpqParameters('PGHOST', parameters);
}
