/**
 * Several hosts where `pg` knows one, written as in libpq (PostgreSQL manual, "Specifying Multiple Hosts"): which of
 * them is the primary is found out by asking.
 */
import type { ClientConfig } from 'pg';
import type { Address } from '../../endpoint/address-order.ts';
import { InvalidOptionsError } from '../../errors/option-errors.ts';

/** `postgres://user@a:5432,b:5433/db`: a list of hosts, which pg's own reader takes for one with a bad port. */
const HOST_LIST = /^(?<scheme>[a-z]+:\/\/)(?:(?<user>[^@/?#]*)@)?(?<hosts>[^/?#]*,[^/?#]*)(?<rest>.*)$/is;
const HOST = /^(?<host>\[[^\]]*\]|[^:]*)(?::(?<port>\d*))?$/;

/** The same configuration in a form that pg reads: a list of hosts becomes the parameters `host` and `port`. */
export function readable<Config extends string | ClientConfig | undefined>(config: Config): Config {
  if (typeof config === 'string') return withoutHostList(config) as Config;
  const connectionString = config?.connectionString;
  if (typeof connectionString !== 'string' || !HOST_LIST.test(connectionString)) return config;
  return { ...(config as ClientConfig), connectionString: withoutHostList(connectionString) } as Config;
}

/**
 * @param parameters - as pg has read them: host and the first port.
 * @throws InvalidOptionsError where there is not one port, or one for each host.
 */
export function addressesOf(
  config: string | ClientConfig | undefined,
  parameters: { readonly host: string; readonly port: number },
): readonly Address[] {
  const hosts = parameters.host.startsWith('/') ? [parameters.host] : parameters.host.split(',');
  const ports = portsOf(config) ?? [parameters.port];
  if (ports.length !== 1 && ports.length !== hosts.length) {
    throw new InvalidOptionsError(
      `'port' must be one for all hosts, or one for each of the ${hosts.length}, but names ${ports.length}`,
    );
  }
  return hosts.map((host, index) => ({
    host: host.trim() === '' ? 'localhost' : host.trim(),
    port: ports[index] ?? ports[0] ?? parameters.port,
  }));
}

/**
 * Whether the app wants whoever answers, instead of the primary: libpq's `target_session_attrs`, where it is neither
 * `primary` nor `read-write` (PostgreSQL manual, "Parameter Key Words").
 */
export function takesAnyServer(config: string | ClientConfig | undefined): boolean {
  const wanted = parameterOf(config, 'target_session_attrs', 'PGTARGETSESSIONATTRS');
  return wanted !== undefined && wanted !== '' && wanted !== 'primary' && wanted !== 'read-write';
}

/** What pg's own reader does not keep: from the connection string, the options or the environment. */
function parameterOf(
  config: string | ClientConfig | undefined,
  name: string,
  environmentName: string,
): unknown {
  const text = typeof config === 'string' ? config : config?.connectionString;
  const query = text?.includes('?') === true ? text.slice(text.indexOf('?') + 1) : '';
  const options = (typeof config === 'object' ? config : {}) as Record<string, unknown>;
  return new URLSearchParams(query).get(name) ?? options[name] ?? process.env[environmentName];
}

/** Undefined where there is no list. */
function portsOf(config: string | ClientConfig | undefined): number[] | undefined {
  const given = parameterOf(config, 'port', 'PGPORT');
  if (typeof given !== 'string' || !given.includes(',')) return undefined;
  return given.split(',').map((port) => {
    const number = Number(port.trim() === '' ? 5432 : port);
    if (Number.isInteger(number) && number > 0 && number < 65_536) return number;
    throw new InvalidOptionsError(`'port' must list numbers from 1 to 65535, but holds '${port}'`);
  });
}

function withoutHostList(text: string): string {
  const parts = HOST_LIST.exec(text)?.groups;
  if (parts === undefined) return text;
  const { scheme = '', user, hosts = '', rest = '' } = parts;
  const names: string[] = [];
  const ports: string[] = [];
  for (const each of hosts.split(',')) {
    const { host = '', port } = HOST.exec(each)?.groups ?? { host: each };
    names.push(host.replaceAll(/[[\]]/g, ''));
    ports.push(port === undefined || port === '' ? '5432' : port);
  }
  const list = `host=${encodeURIComponent(names.join(','))}&port=${ports.join(',')}`;
  const [path = '', query] = rest.split('?', 2);
  const authority = user === undefined ? '' : `${user}@`;
  return `${scheme}${authority}${path === '' ? '/' : path}?${query === undefined ? '' : `${query}&`}${list}`;
}
