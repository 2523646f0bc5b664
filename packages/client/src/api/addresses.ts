import type { Address } from '../endpoint/address-order.ts';
import { InvalidOptionsError } from '../errors/option-errors.ts';
import { checkInteger, checkKeys, checkObject, checkText, describe } from './option-checks.ts';
import type { Given, OptionSource } from './option-source.ts';
import { firstGiven } from './option-source.ts';

/** Where the endpoints are. */
export interface EndpointAddresses {
  readonly master: readonly Address[];
  readonly replica: readonly Address[] | undefined;
  readonly masterPooler: readonly Address[] | undefined;
  readonly replicaPooler: readonly Address[] | undefined;
}

const ADDRESS = /^(?:\[(?<ipv6>[0-9a-f:.]+)\]|(?<host>[^:\s/]+))(?::(?<port>\d+))?$/i;
export const DEFAULT_PORT = 5432;

const WAYS = "give 'host' or 'host:port', a connection string, SCHOOLDB_MASTER or PGHOST";

/**
 * The endpoints of sources that may be taken together.
 *
 * @throws InvalidOptionsError where nothing leads to the primary, or something is no address.
 */
export function resolveEndpoints(sources: readonly OptionSource[]): EndpointAddresses {
  const own = firstGiven(sources, 'master');
  const optional = (kind: 'replica' | 'masterPooler' | 'replicaPooler') => {
    const given = firstGiven(sources, kind);
    return given === undefined ? undefined : resolveAddresses(given);
  };
  const poolers = { masterPooler: optional('masterPooler'), replicaPooler: optional('replicaPooler') };
  if (own !== undefined) return { master: resolveAddresses(own), replica: optional('replica'), ...poolers };
  const listed = sources.find(({ hosts }) => hosts !== undefined)?.hosts;
  if (listed === undefined) throw new InvalidOptionsError(`'endpoints.master' is missing: ${WAYS}`);
  const { hosts, primaryOnly } = listed;
  // A single host is a single PostgreSQL: there is no replica to look for.
  const mayRead = hosts.length > 1 && !primaryOnly;
  return { master: hosts, replica: optional('replica') ?? (mayRead ? hosts : undefined), ...poolers };
}

function resolveAddresses({ name, value }: Given): readonly Address[] {
  if (!Array.isArray(value)) return [resolveAddress(name, value)];
  if (value.length === 0) {
    throw new InvalidOptionsError(`${name} must name an address, but is an empty list`);
  }
  return value.map((each, index) => resolveAddress(`${name}[${index}]`, each));
}

function resolveAddress(name: string, given: unknown): Address {
  if (typeof given === 'string') {
    const parts = ADDRESS.exec(given)?.groups;
    const host = parts?.['ipv6'] ?? parts?.['host'];
    if (host === undefined) {
      throw new InvalidOptionsError(`${name} must be 'host' or 'host:port', but is ${describe(given)}`);
    }
    const port = parts?.['port'];
    return { host, port: checkPort(name, port === undefined ? DEFAULT_PORT : Number(port)) };
  }
  const address = checkObject(name, given);
  checkKeys(name, address, ['host', 'port']);
  const host = checkText(`the host of ${name}`, address['host']);
  if (host.startsWith('/')) throw new InvalidOptionsError(`${name}: ${NO_SOCKETS}`);
  return { host, port: checkPort(name, address['port'] ?? DEFAULT_PORT) };
}

/** Behind a socket file there is one server, and no failover. */
export const NO_SOCKETS = 'Unix sockets are not supported, give a host name or an IP address';

function checkPort(name: string, port: unknown): number {
  return checkInteger(`the port of ${name}`, port, 1, 65_535);
}
