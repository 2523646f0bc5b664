import type { ResolvedOptions } from '../../options.ts';
import { REPLICATION_USER } from '../../options.ts';
import type { Address } from '../../endpoint.ts';
import type { Layout } from '../layout.ts';
import { serverSettings } from '../server-settings.ts';
import { quoteLiteral } from '../sql.ts';

/**
 * What differs from server to server and changes with the roles: kept in a file of its own, so that a role
 * change rewrites that alone. It lies beside the data: a server whose disk is full hears of a change as well.
 */
export const ROLE_FILE = 'schooldb-role.conf';

export interface RoleSettings {
  name: string;
  port: number;
  /** Where a standby streams from; `'nowhere'` cuts it off, so that what it has received stays put. */
  upstream: { address: Address; password: string; slot: string } | 'nowhere';
  /** Standbys of which one must confirm each commit, should this server be primary; undefined: asynchronous. */
  confirming: readonly string[] | undefined;
  /** How late a standby replays. One that is cut off replays at once: it is to be asked for its last word, or promoted. */
  replayDelayMs: number;
}

/** Discard: refuses at once on loopback. With no address at all the server would not say how far it has received. */
const NOWHERE = { host: '127.0.0.1', port: 1 };

/** Settings that are the same on every server. */
export function postgresqlConf(options: ResolvedOptions, layout: Layout): string {
  const settings = {
    listen_addresses: '127.0.0.1',
    ...serverSettings(options, layout),
  };
  return `${lines(settings)}include_if_exists = '../${ROLE_FILE}'
`;
}

export function roleConf({ name, port, upstream, confirming, replayDelayMs }: RoleSettings): string {
  return lines({
    port: String(port),
    cluster_name: name,
    primary_conninfo: connInfo(name, upstream),
    primary_slot_name: upstream === 'nowhere' ? '' : upstream.slot,
    recovery_min_apply_delay: String(upstream === 'nowhere' ? 0 : replayDelayMs),
    synchronous_standby_names: confirming === undefined ? '' : anyOf(confirming),
  });
}

/** Everybody over TLS with a password; nothing else gets in. */
export function pgHbaConf(): string {
  return [
    'hostssl all all 127.0.0.1/32 scram-sha-256',
    'hostssl replication all 127.0.0.1/32 scram-sha-256',
    '',
  ].join('\n');
}

/** Never empty: that would mean asynchronous. Nobody is called "none", so writes wait until somebody is there. */
function anyOf(names: readonly string[]): string {
  const quoted = (names.length === 0 ? ['none'] : names).map((name) => `"${name}"`);
  return `ANY 1 (${quoted.join(', ')})`;
}

function connInfo(name: string, upstream: RoleSettings['upstream']): string {
  const { host, port } = upstream === 'nowhere' ? NOWHERE : upstream.address;
  const password = upstream === 'nowhere' ? '' : ` password=${upstream.password}`;
  return `host=${host} port=${port} user=${REPLICATION_USER}${password} sslmode=require application_name=${name} connect_timeout=2`;
}

function lines(settings: Record<string, string>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name} = ${quoteLiteral(value)}\n`)
    .join('');
}
