import type { LabDraft } from '../lab.ts';
import { problem, shown } from '../problem.ts';
import type { Path, Problem } from '../problem.ts';
import { parseCpu, parseMemory } from '../quantity.ts';

/** Beside the instances: a base backup, a moment of two slots during a re-clone, the operator, a student. */
export const SPARE_SENDERS = 5;
/** Connections that the pooler leaves to replication, the operator, direct clients and superusers. */
const SPARE_CONNECTIONS = 20;

const RESERVED_ROLES = ['postgres', 'standby', 'pooler', 'admin', 'zalandos', 'cron_admin', 'robot_zmon'];
const RESERVED_DATABASES = ['postgres', 'template0', 'template1', 'poolerdb'];
const RESERVED_NAMESPACES = [
  'kube-system',
  'kube-public',
  'kube-node-lease',
  'metallb-system',
  'longhorn-system',
  'postgres-operator',
];

/** Set by Patroni, Spilo, the operator or this lab itself; another value would be ignored or break a failover. */
const NOT_YOURS = new Set([
  'archive_cleanup_command',
  'cluster_name',
  'data_directory',
  'hba_file',
  'hot_standby',
  'listen_addresses',
  'password_encryption',
  'pg_hba',
  'port',
  'primary_conninfo',
  'primary_slot_name',
  'recovery_target_timeline',
  'restore_command',
  'ssl',
  'ssl_ca_file',
  'ssl_cert_file',
  'ssl_key_file',
  'synchronous_standby_names',
  'track_commit_timestamp',
  'unix_socket_directories',
  'wal_level',
  'wal_log_hints',
]);

/** Settings whose other values lose what was acknowledged. */
const SAFE_VALUES: Readonly<Record<string, readonly string[]>> = {
  fsync: ['on', 'true'],
  full_page_writes: ['on', 'true'],
  synchronous_commit: ['on', 'remote_write', 'remote_apply', 'true'],
};

export function checkCluster(draft: LabDraft): Problem[] {
  return [
    ...reservedNames(draft),
    ...sendersAndSlots(draft),
    ...settings(draft),
    ...poolerConnections(draft),
    ...patroni(draft),
    ...requestsWithinLimits(draft),
    ...failoverLimit(draft),
  ];
}

function reservedNames({ cluster }: LabDraft): Problem[] {
  const names: [string, string | undefined, readonly string[]][] = [
    ['namespace', cluster?.namespace, RESERVED_NAMESPACES],
    ['database', cluster?.database, RESERVED_DATABASES],
    ['user', cluster?.user, RESERVED_ROLES],
  ];
  return names.flatMap(([key, given, reserved]) =>
    given !== undefined && reserved.includes(given)
      ? [problem('reserved-name', ['cluster', key], { given, reserved })]
      : [],
  );
}

function sendersAndSlots({ cluster }: LabDraft): Problem[] {
  const instances = cluster?.instances;
  if (instances === undefined) return [];
  const needed = instances + SPARE_SENDERS;
  return (['max_wal_senders', 'max_replication_slots'] as const).flatMap((setting) => {
    const given = cluster?.parameters?.[setting];
    return given !== undefined && given < needed
      ? [problem('too-few-for-instances', ['cluster', 'parameters', setting], { given, needed, instances })]
      : [];
  });
}

function settings({ cluster }: LabDraft): Problem[] {
  return Object.entries(cluster?.parameters ?? {}).flatMap(([name, value]) => {
    const setting = name.toLowerCase();
    const path: Path = ['cluster', 'parameters', name];
    if (NOT_YOURS.has(setting)) return [problem('setting-not-yours', path, { setting })];
    const safe = SAFE_VALUES[setting];
    const given = String(value).toLowerCase();
    return safe === undefined || safe.includes(given)
      ? []
      : [problem('setting-unsafe', path, { setting, given: shown(value), safe: safe[0] ?? '' })];
  });
}

function poolerConnections({ cluster }: LabDraft): Problem[] {
  const given = cluster?.pooler?.maxDbConnections;
  const maxConnections = cluster?.parameters?.max_connections;
  if (given === undefined || maxConnections === undefined) return [];
  const most = Math.max(1, maxConnections - SPARE_CONNECTIONS);
  return given > most
    ? [
        problem('pooler-over-connections', ['cluster', 'pooler', 'maxDbConnections'], {
          given,
          most,
          maxConnections,
        }),
      ]
    : [];
}

function patroni({ cluster }: LabDraft): Problem[] {
  const {
    ttlSeconds: ttl,
    loopWaitSeconds: loopWait,
    retryTimeoutSeconds: retryTimeout,
  } = cluster?.patroni ?? {};
  const { synchronous, strictlySynchronous, synchronousNodes: given } = cluster?.patroni ?? {};
  const instances = cluster?.instances;
  const found: Problem[] = [];
  if (
    ttl !== undefined &&
    loopWait !== undefined &&
    retryTimeout !== undefined &&
    ttl < loopWait + 2 * retryTimeout
  )
    found.push(
      problem('patroni-timing', ['cluster', 'patroni', 'ttlSeconds'], { ttl, loopWait, retryTimeout }),
    );
  if (synchronous === true && given !== undefined && instances !== undefined && given > instances - 1)
    found.push(
      problem('nobody-to-confirm', ['cluster', 'patroni', 'synchronousNodes'], { given, instances }),
    );
  if (synchronous === false && strictlySynchronous === true)
    found.push(problem('strict-without-synchronous', ['cluster', 'patroni', 'strictlySynchronous'], {}));
  return found;
}

function requestsWithinLimits({ cluster }: LabDraft): Problem[] {
  const places = [
    { path: ['cluster', 'resources'], resources: cluster?.resources },
    { path: ['cluster', 'pooler', 'resources'], resources: cluster?.pooler?.resources },
  ];
  return places.flatMap(({ path, resources }) =>
    (['cpu', 'memory'] as const).flatMap((kind) => {
      const given = resources?.requests?.[kind];
      const limit = resources?.limits?.[kind];
      const parse = kind === 'cpu' ? parseCpu : parseMemory;
      if (given === undefined || limit === undefined) return [];
      return (parse(given) ?? 0) > (parse(limit) ?? 0)
        ? [problem('request-over-limit', [...path, 'requests', kind], { given, limit })]
        : [];
    }),
  );
}

/** Patroni promotes nobody before the lease of the primary that died is over. */
function failoverLimit({ cluster, limits }: LabDraft): Problem[] {
  const ttlSeconds = cluster?.patroni?.ttlSeconds;
  const given = limits?.failoverMs;
  if (ttlSeconds === undefined || given === undefined || given > ttlSeconds * 1_000) return [];
  return [problem('failover-before-ttl', ['limits', 'failoverMs'], { given, ttlSeconds })];
}
