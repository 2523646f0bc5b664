/**
 * The parameters of libpq (PostgreSQL manual, "Parameter Key Words"), as connection strings and the variables `PG…`
 * give them, in terms of our options. What would be ignored is refused: it was given for a reason.
 */
import { InvalidOptionsError } from '../errors/option-errors.ts';
import { DEFAULT_PORT, NO_SOCKETS } from './addresses.ts';
import { describe, nearestHint } from './option-checks.ts';
import type { Given, GivenHosts, OptionName, OptionSource } from './option-source.ts';

export interface LibpqParameter {
  readonly keyword: string;
  /** What its giver knows it as: `'sslmode' in SCHOOLDB_URL`, `PGSSLMODE`. */
  readonly name: string;
  readonly value: string;
  /** Whether errors may show the value: what stands behind a badly quoted password may be a part of it. */
  readonly mayShow: boolean;
}

/** Those that are options of ours under another name. */
const TEXTS: Readonly<Record<string, OptionName>> = {
  dbname: 'database',
  user: 'user',
  password: 'password',
  passfile: 'passfile',
  application_name: 'applicationName',
  options: 'startupOptions',
  sslrootcert: 'tlsCaFile',
};

const OTHERS = ['host', 'port', 'connect_timeout', 'target_session_attrs', 'sslmode', 'ssl'];

/** May be given where they say what the client does anyhow. */
const FIXED: Readonly<Record<string, readonly string[]>> = {
  channel_binding: ['disable', 'prefer'],
  client_encoding: ['auto', 'utf8', 'UTF8', 'UTF-8', 'utf-8'],
  gssencmode: ['disable', 'prefer'],
  keepalives: ['1'],
  sslnegotiation: ['postgres'],
  sslsni: ['1'],
};

const UNSUPPORTED = new Set(
  `fallback_application_name gsslib hostaddr keepalives_count keepalives_idle keepalives_interval krbsrvname
   load_balance_hosts max_protocol_version min_protocol_version oauth_client_id oauth_issuer replication require_auth
   requirepeer requiressl scram_client_key scram_server_key service ssl_max_protocol_version ssl_min_protocol_version
   sslcert sslcertmode sslcompression sslcrl sslcrldir sslkey sslpassword tcp_user_timeout`.split(/\s+/),
);

const SUPPORTED = [...Object.keys(TEXTS), ...OTHERS, ...Object.keys(FIXED)].toSorted();

/** Whether it is a word of libpq's, and so no secret. */
export function isLibpqKeyword(text: string): boolean {
  return SUPPORTED.includes(text) || UNSUPPORTED.has(text);
}

/**
 * @param where - what the parameters are part of, for errors about hosts.
 * @throws InvalidOptionsError for a parameter or value that the client does not know, or knows better.
 */
export function readLibpqParameters(where: string, parameters: readonly LibpqParameter[]): OptionSource {
  const options: Partial<Record<OptionName, Given>> = {};
  const given = new Map<string, LibpqParameter>();
  for (const parameter of parameters) {
    checkKeyword(parameter);
    // As in libpq, what is empty counts as not given.
    if (parameter.value === '') continue;
    given.set(parameter.keyword, parameter);
    checkFixed(parameter);
    const option = TEXTS[parameter.keyword];
    if (option !== undefined) options[option] = parameter;
  }
  const timeout = given.get('connect_timeout');
  if (timeout !== undefined) options.connectSilenceMs = readTimeout(timeout);
  const [mode, ssl] = [given.get('sslmode'), given.get('ssl')];
  if (mode !== undefined && ssl !== undefined) {
    throw new InvalidOptionsError(`${mode.name} and ${ssl.name} may contradict each other: give one`);
  }
  if (mode !== undefined) options.tls = { name: mode.name, value: readSslMode(mode) };
  if (ssl !== undefined) options.tls = { name: ssl.name, value: readSsl(ssl) };
  const hosts = readHosts(where, given);
  return hosts === undefined ? options : { ...options, hosts };
}

function checkKeyword({ keyword, name }: LibpqParameter): void {
  if (SUPPORTED.includes(keyword)) return;
  const what = UNSUPPORTED.has(keyword) ? 'not supported.' : `unknown.${nearestHint(keyword, SUPPORTED)}`;
  throw new InvalidOptionsError(`${name} is ${what} Allowed are ${SUPPORTED.join(', ')}`);
}

function checkFixed(parameter: LibpqParameter): void {
  const allowed = FIXED[parameter.keyword];
  if (allowed?.includes(parameter.value) === false) throw notOneOf(parameter, allowed);
}

/** In seconds. */
function readTimeout(parameter: LibpqParameter): Given {
  const seconds = /^\d{1,2}$/.test(parameter.value) ? Number(parameter.value) : 0;
  if (seconds < 1 || seconds > 60) {
    throw new InvalidOptionsError(
      `${parameter.name} must be a whole number of seconds from 1 to 60, but is ${shown(parameter)}`,
    );
  }
  return { name: parameter.name, value: seconds * 1_000 };
}

/**
 * Stricter than libpq on purpose: without the check of certificate and name, whoever can put himself in between reads
 * and changes everything, and a fallback to no encryption at all is his to force.
 */
function readSslMode(parameter: LibpqParameter): boolean {
  switch (parameter.value) {
    case 'disable':
      return false;
    case 'require':
    case 'verify-ca':
    case 'verify-full':
      return true;
    default:
      throw notOneOf(parameter, ['disable', 'require', 'verify-ca', 'verify-full'], VERIFIES);
  }
}

/** JDBC's form, which libpq and pg take too. */
function readSsl(parameter: LibpqParameter): boolean {
  if (parameter.value === 'true' || parameter.value === 'false') return parameter.value === 'true';
  throw notOneOf(parameter, ['true', 'false'], VERIFIES);
}

const VERIFIES =
  '. With TLS, the certificate and its name are always checked: give the certificate authority with sslrootcert';

function readHosts(where: string, given: ReadonlyMap<string, LibpqParameter>): GivenHosts | undefined {
  const host = given.get('host');
  if (host === undefined) {
    const lonely = given.get('port') ?? given.get('target_session_attrs');
    if (lonely === undefined) return undefined;
    throw new InvalidOptionsError(`${lonely.name} is given, but no host`);
  }
  const names = host.value.split(',');
  const ports = given.get('port')?.value.split(',') ?? [''];
  if (ports.length !== 1 && ports.length !== names.length) {
    throw new InvalidOptionsError(
      `${where} has ${names.length} hosts, but ${ports.length} ports: give one for all, or one for each`,
    );
  }
  const hosts = names.map((each, index) => ({
    host: checkHost(`host ${index + 1} in ${where}`, each),
    port: checkHostPort(`the port of host ${index + 1} in ${where}`, ports[index] ?? ports[0] ?? ''),
  }));
  return { name: where, hosts, primaryOnly: readAttributes(given.get('target_session_attrs')) };
}

/** Its text is not shown, nor that of its port: of a badly encoded connection string they are parts of the password. */
function checkHost(name: string, host: string): string {
  const bare = /^\[([0-9a-f:.]+)\]$/i.exec(host)?.[1] ?? host;
  if (bare.startsWith('/') || bare.startsWith('@')) throw new InvalidOptionsError(`${name}: ${NO_SOCKETS}`);
  if (/^(?:[^\s/:[\]]+|[0-9a-f]*:[0-9a-f]*:[0-9a-f:.]*)$/i.test(bare)) return bare;
  const what = bare === '' ? 'empty' : 'not';
  throw new InvalidOptionsError(`${name} must be a host name or an IP address, but is ${what}`);
}

function checkHostPort(name: string, port: string): number {
  if (port === '') return DEFAULT_PORT;
  const number = /^\d{1,5}$/.test(port) ? Number(port) : 0;
  if (number >= 1 && number <= 65_535) return number;
  throw new InvalidOptionsError(`${name} must be a whole number from 1 to 65535, but is not`);
}

/** @returns whether only the primary is wanted. */
function readAttributes(parameter: LibpqParameter | undefined): boolean {
  switch (parameter?.value) {
    case undefined:
    case 'any':
      return false;
    case 'primary':
    case 'read-write':
      return true;
    default:
      throw notOneOf(
        parameter!,
        ['any', 'primary', 'read-write'],
        '. Reads go to standbys by themselves, and writes need the primary',
      );
  }
}

function notOneOf(parameter: LibpqParameter, allowed: readonly string[], remark = ''): InvalidOptionsError {
  return new InvalidOptionsError(
    `${parameter.name} must be one of ${allowed.join(', ')}, but is ${shown(parameter)}${remark}`,
  );
}

function shown({ value, mayShow }: LibpqParameter): string {
  return mayShow ? describe(value) : 'something else, which is not shown because it stands behind a password';
}
