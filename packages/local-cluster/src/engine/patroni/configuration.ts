import { join } from 'node:path';
import type { Address } from '../../endpoint.ts';
import { REPLICATION_USER, SUPERUSER, type ResolvedOptions } from '../../options.ts';
import type { Layout } from '../layout.ts';
import { serverSettings } from '../server-settings.ts';
import type { NodeAddresses } from './addresses.ts';

export interface Secrets {
  superuser: string;
  replication: string;
  /** For orders to Patroni: whoever may give them can run programs as the servers' account. */
  agent: string;
}

export interface NodeSettings {
  name: string;
  directory: string;
  addresses: NodeAddresses;
  postgresBin: string;
  options: ResolvedOptions;
  layout: Layout;
  secrets: Secrets;
  /** How late it replays while it is a standby. */
  replayDelayMs: number;
}

/** Who gives orders to agents. */
export const AGENT_USER = 'supervisor';

/** How often an agent looks after its server, and how long it goes on trying when etcd does not answer. */
const LOOP_WAIT_S = 1;
const RETRY_TIMEOUT_S = 3;
/**
 * How long a server that is told to end may wait for standbys that do not answer, in synchronous mode,
 * where nothing is lost by it. Less than an agent needs to find etcd silent for the second time: it would
 * end and start the server twice at once then, and wipe the directory that one of them runs in (seen).
 */
const STOP_TIMEOUT_S = 2;
/** As Zalando's operator has it; Patroni's own is 1 MiB, which a busy cluster is always beyond. */
const MAXIMUM_LAG_BYTES = 33_554_432;

/** Where the servers' data is. Patroni removes it whole before a clone, which it could not do with a mount. */
export function dataDirectoryOf({ directory, options }: Pick<NodeSettings, 'directory' | 'options'>): string {
  return options.diskMb === false ? join(directory, 'data') : join(directory, 'disk', 'data');
}

/** Patroni's configuration file. It is YAML, of which JSON is a part. */
export function patroniConfiguration(settings: NodeSettings): string {
  const { name, directory, addresses, postgresBin, options, layout, secrets, replayDelayMs } = settings;
  // A certificate that was given holds the names of its giver.
  const sslmode = options.certificates === undefined ? 'verify-full' : 'verify-ca';
  const verified = { sslmode, sslrootcert: layout.caFile };
  const configuration = {
    scope: 'schooldb',
    name,
    restapi: {
      listen: text(addresses.rest),
      connect_address: text(addresses.restForOthers),
      authentication: { username: AGENT_USER, password: secrets.agent },
    },
    // Only a user by which the network tells nodes apart: what nodes ask each other is open to all.
    ctl: { auth: `${name}:${name}`, authentication: { username: name, password: name } },
    etcd3: {
      hosts: [text(addresses.etcd)],
      // It would ask etcd for its address otherwise and go there directly.
      use_proxies: true,
      protocol: 'https',
      cacert: layout.control.caFile,
      cert: layout.control.certificateFile,
      key: layout.control.keyFile,
    },
    // There is none here, and it would complain with each promotion.
    watchdog: { mode: 'off' },
    bootstrap: {
      dcs: clusterSettings(options, layout),
      initdb: [{ encoding: 'UTF8' }, { locale: 'C' }, { auth: 'scram-sha-256' }, 'data-checksums'],
    },
    postgresql: {
      listen: text(addresses.postgres),
      connect_address: text(addresses.postgres),
      data_dir: dataDirectoryOf(settings),
      bin_dir: postgresBin,
      pgpass: join(directory, 'pgpass'),
      authentication: {
        superuser: { username: SUPERUSER, password: secrets.superuser, ...verified },
        replication: { username: REPLICATION_USER, password: secrets.replication, ...verified },
      },
      pg_hba: [
        'hostssl all all 127.0.0.0/8 scram-sha-256',
        'hostssl replication all 127.0.0.0/8 scram-sha-256',
      ],
      // A former primary that can't be rewound is cloned anew.
      remove_data_directory_on_rewind_failure: true,
      remove_data_directory_on_diverged_timelines: true,
      basebackup: [{ checkpoint: 'fast' }],
      parameters: replayDelayMs === 0 ? {} : { recovery_min_apply_delay: replayDelayMs },
    },
  };
  return JSON.stringify(configuration, undefined, 2);
}

/** What is the same for all nodes, and lies in etcd once the first has started. */
function clusterSettings(options: ResolvedOptions, layout: Layout): object {
  // Patroni has its own, and takes a parameter of recovery among these for all of them.
  const { recovery_target_timeline: _patronis, ...common } = serverSettings(options, layout);
  // 60 s by default. Asynchronous: what STOP_TIMEOUT_S is otherwise. Synchronous: how long commits wait for a
  // standby that has fallen silent, before Patroni takes another.
  const parameters = { wal_sender_timeout: options.synchronous ? '10s' : '2s', ...common };
  return {
    ttl: ttlOf(options),
    loop_wait: LOOP_WAIT_S,
    retry_timeout: RETRY_TIMEOUT_S,
    maximum_lag_on_failover: MAXIMUM_LAG_BYTES,
    synchronous_mode: options.synchronous,
    synchronous_mode_strict: options.synchronous,
    primary_stop_timeout: STOP_TIMEOUT_S,
    postgresql: { use_pg_rewind: true, use_slots: true, parameters },
  };
}

/** How long the leader's lease lasts, in seconds. */
export function ttlOf({ promoteAfterMs }: Pick<ResolvedOptions, 'promoteAfterMs'>): number {
  return Number(promoteAfterMs) / 1_000;
}

function text({ host, port }: Address): string {
  return `${host}:${port}`;
}
