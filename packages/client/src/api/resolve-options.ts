/**
 * From what was given, in the code and around it, to options that are checked and complete.
 *
 * For each option the first of these decides: the object in the code, the connection string in the code, the variables
 * `SCHOOLDB_…`, `SCHOOLDB_URL`, `DATABASE_URL`, libpq's variables `PG…`, the default. Two things are taken as a whole, so
 * that nobody's data goes to somebody else's server: where to connect, which the environment says only if the code does
 * not at all; and a connection string of the environment, which is left aside where something before it says that.
 */
import { InvalidOptionsError } from '../errors/option-errors.ts';
import type { TlsOptions } from '../wire/wire.ts';
import type { EndpointAddresses } from './addresses.ts';
import { resolveEndpoints } from './addresses.ts';
import { readConnectionString } from './connection-string.ts';
import { OWN_URL, PLATFORM_URL, readLibpqVariables, readOwnVariables } from './environment.ts';
import {
  checkBoolean,
  checkInteger,
  checkKeys,
  checkNames,
  checkObject,
  checkOneOf,
  checkText,
} from './option-checks.ts';
import type { Environment, Given, OptionName, OptionSource } from './option-source.ts';
import { firstGiven, variable } from './option-source.ts';
import type { SchoolDbOptions } from './options.ts';
import { SCHOOL_DB_DEFAULTS } from './options.ts';
import type { PasswordSource } from './password-source.ts';
import { resolvePassword } from './password-source.ts';
import { resolveTls } from './tls-options.ts';

/** Checked and complete. */
export interface ResolvedOptions extends EndpointAddresses {
  readonly prefer: 'direct' | 'pooler';
  readonly consistency: 'process' | 'session' | 'eventual';
  readonly maxStalenessMs: number | false;
  readonly readOnlyWhenNoPrimary: boolean;
  readonly safeFunctions: readonly string[];
  readonly database: string;
  readonly user: string;
  readonly password: PasswordSource;
  readonly tls: TlsOptions | false;
  readonly startupOptions: string | undefined;
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

const OPTIONS = [
  'database',
  'user',
  'password',
  'tls',
  'startupOptions',
  ...(Object.keys(SCHOOL_DB_DEFAULTS) as (keyof typeof SCHOOL_DB_DEFAULTS)[]),
] as const;
const ENDPOINTS = ['master', 'replica', 'masterPooler', 'replicaPooler'] as const;

/**
 * @param given - the options in the code, or a connection string.
 * @param env - the process's variables. Without them only what is given counts.
 * @throws InvalidOptionsError that names the option or variable, what was given and what is allowed.
 */
export function resolveOptions(given: SchoolDbOptions | string, env: Environment = {}): ResolvedOptions {
  const code = readCode(given);
  const around = readEnvironment(env, code.leads);
  const sources = [...code.sources, ...around.sources];
  const endpoints = resolveEndpoints(code.leads ? code.sources : around.sources);
  const required = (option: 'database' | 'user') => {
    const { name, value } = firstGiven(sources, option) ?? missing(option, around.leftAside);
    return checkText(name, value);
  };
  const login = { database: required('database'), user: required('user') };
  return Object.freeze({
    ...endpoints,
    ...login,
    password: resolvePassword(sources, login),
    tls: resolveTls(sources),
    startupOptions: resolveStartupOptions(sources, endpoints),
    ...resolveDefaulted(sources),
  });
}

interface Code {
  readonly sources: readonly OptionSource[];
  /** Whether the code says where to connect, if only in part. */
  readonly leads: boolean;
}

function readCode(given: SchoolDbOptions | string): Code {
  if (typeof given === 'string') {
    const source = readConnectionString({ name: 'the connection string', value: given });
    return { sources: [source], leads: source.hosts !== undefined };
  }
  const object = checkObject('the options of createSchoolDb', given);
  checkKeys('createSchoolDb', object, ['endpoints', 'connectionString', ...OPTIONS]);
  const options: Partial<Record<OptionName, Given>> = {};
  const take = (option: OptionName, name: string, value: unknown) => {
    if (value !== undefined) options[option] = { name, value };
  };
  for (const option of OPTIONS) take(option, `'${option}'`, object[option]);
  const { endpoints, connectionString } = object;
  if (endpoints !== undefined) {
    const addresses = checkObject("'endpoints'", endpoints);
    checkKeys("'endpoints'", addresses, ENDPOINTS);
    for (const kind of ENDPOINTS) take(kind, `'endpoints.${kind}'`, addresses[kind]);
  }
  if (connectionString === undefined) return { sources: [options], leads: endpoints !== undefined };
  const source = readConnectionString({ name: "'connectionString'", value: connectionString });
  return { sources: [options, source], leads: endpoints !== undefined || source.hosts !== undefined };
}

interface Around {
  readonly sources: readonly OptionSource[];
  /** A connection string that is there and not used, if any. */
  readonly leftAside: string | undefined;
}

function readEnvironment(env: Environment, codeLeads: boolean): Around {
  const own = readOwnVariables(env);
  const url = readUrl(env, OWN_URL);
  if (url?.hosts !== undefined && own.master !== undefined) {
    throw new InvalidOptionsError(
      `${own.master.name} and the hosts in ${OWN_URL} contradict each other: give one`,
    );
  }
  const aside = codeLeads && url?.hosts !== undefined;
  const sources = url === undefined || aside ? [own] : [own, url];
  const lead = codeLeads || own.master !== undefined || url?.hosts !== undefined;
  // Not read at all where it is not needed: it may be another database's.
  const platform = lead || url !== undefined ? undefined : readUrl(env, PLATFORM_URL);
  if (platform !== undefined) sources.push(platform);
  sources.push(readLibpqVariables(env, !lead && platform?.hosts === undefined));
  const ignored = variable(env, PLATFORM_URL) !== undefined && platform === undefined;
  return { sources, leftAside: aside ? OWN_URL : ignored ? PLATFORM_URL : undefined };
}

function readUrl(env: Environment, name: string): OptionSource | undefined {
  const value = variable(env, name);
  return value === undefined ? undefined : readConnectionString({ name, value });
}

function missing(option: 'database' | 'user', leftAside: string | undefined): never {
  const ways = `give the option, SCHOOLDB_${option.toUpperCase()} or PG${option.toUpperCase()}`;
  const remark =
    leftAside === undefined
      ? ''
      : `. ${leftAside} is left aside, because something before it says where to connect`;
  throw new InvalidOptionsError(`'${option}' is missing: ${ways}${remark}`);
}

/** A pooler refuses or drops them, and its connections are everybody's. */
function resolveStartupOptions(
  sources: readonly OptionSource[],
  { masterPooler, replicaPooler }: EndpointAddresses,
): string | undefined {
  const given = firstGiven(sources, 'startupOptions');
  if (given === undefined) return undefined;
  if (masterPooler === undefined && replicaPooler === undefined) return checkText(given.name, given.value);
  throw new InvalidOptionsError(
    `${given.name} can't be used with poolers, which don't pass it on: set it for the role (ALTER ROLE … SET) or the transaction (SET LOCAL)`,
  );
}

function resolveDefaulted(sources: readonly OptionSource[]) {
  const given = (option: keyof typeof SCHOOL_DB_DEFAULTS): Given =>
    firstGiven(sources, option) ?? { name: `'${option}'`, value: SCHOOL_DB_DEFAULTS[option] };
  const integer = (option: keyof typeof INTEGER_RANGES) => {
    const { name, value } = given(option);
    const [min, max] = INTEGER_RANGES[option];
    return checkInteger(name, value, min, max);
  };
  const [prefer, consistency] = [given('prefer'), given('consistency')];
  const [readOnly, functions] = [given('readOnlyWhenNoPrimary'), given('safeFunctions')];
  const applicationName = given('applicationName');
  return {
    prefer: checkOneOf(prefer.name, prefer.value, ['direct', 'pooler']),
    consistency: checkOneOf(consistency.name, consistency.value, ['process', 'session', 'eventual']),
    maxStalenessMs: resolveMaxStaleness(given('maxStalenessMs')),
    readOnlyWhenNoPrimary: checkBoolean(readOnly.name, readOnly.value),
    safeFunctions: checkNames(functions.name, functions.value),
    applicationName: checkText(applicationName.name, applicationName.value),
    maxConnections: integer('maxConnections'),
    maxWaiting: integer('maxWaiting'),
    deadlineMs: integer('deadlineMs'),
    idleTimeoutMs: integer('idleTimeoutMs'),
    maxLifetimeMs: integer('maxLifetimeMs'),
    connectSilenceMs: integer('connectSilenceMs'),
    closeTimeoutMs: integer('closeTimeoutMs'),
  };
}

function resolveMaxStaleness({ name, value }: Given): number | false {
  if (value === false) return false;
  return checkInteger(`${name} (or false)`, value, 100, 3_600_000);
}
