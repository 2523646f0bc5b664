import type { Schema } from '../schema/schema.ts';
import { definition } from './definition.ts';
import { bigInt, choice, fields, flag, int, list, map, open, text } from '../schema/words.ts';

const CPU: Schema = { type: 'string', pattern: '^(\\d+m|\\d+(\\.\\d{1,3})?)$' };
const BYTES: Schema = { type: 'string', pattern: '^(\\d+(e\\d+)?|\\d+(\\.\\d+)?(e\\d+)?[EPTGMK]i?)$' };
const CIDR: Schema = {
  type: 'string',
  pattern: '^(\\d{1,3}(\\.\\d{1,3}){3}/([0-9]|[12]\\d|3[0-2])|[0-9a-fA-F:]+/\\d{1,3})$',
};
const resources = fields({
  limits: fields({ cpu: CPU, memory: BYTES, 'hugepages-1Gi': BYTES, 'hugepages-2Mi': BYTES }),
  requests: fields({ cpu: CPU, memory: BYTES, 'hugepages-1Gi': BYTES, 'hugepages-2Mi': BYTES }),
});
const flags = (...names: readonly string[]) => Object.fromEntries(names.map((name) => [name, flag]));

const patroni = fields({
  failsafe_mode: flag,
  initdb: map(text),
  loop_wait: int,
  maximum_lag_on_failover: bigInt,
  pg_hba: list(text),
  retry_timeout: int,
  slots: map(map(text)),
  synchronous_mode: flag,
  synchronous_mode_strict: flag,
  synchronous_node_count: int,
  ttl: int,
});

const spec = fields(
  {
    additionalVolumes: list(
      fields(
        {
          isSubPathExpr: flag,
          mountPath: text,
          name: text,
          subPath: text,
          targetContainers: list(text),
          volumeSource: open,
        },
        ['mountPath', 'name', 'volumeSource'],
      ),
    ),
    allowedSourceRanges: list(CIDR, { nullable: true }),
    clone: fields(
      {
        cluster: text,
        s3_access_key_id: text,
        s3_endpoint: text,
        s3_force_path_style: flag,
        s3_secret_access_key: text,
        s3_wal_path: text,
        timestamp: text,
        uid: { type: 'string', format: 'uuid' },
      },
      ['cluster'],
    ),
    connectionPooler: fields({
      dockerImage: text,
      maxDBConnections: int,
      mode: choice('session', 'transaction'),
      numberOfInstances: { ...int, minimum: 1 },
      resources,
      schema: text,
      user: text,
    }),
    databases: map(text),
    dockerImage: text,
    ...flags(
      'enableConnectionPooler',
      'enableLogicalBackup',
      'enableMasterLoadBalancer',
      'enableMasterNodePort',
      'enableMasterPoolerLoadBalancer',
      'enableMasterPoolerNodePort',
    ),
    ...flags(
      'enableReplicaConnectionPooler',
      'enableReplicaLoadBalancer',
      'enableReplicaNodePort',
      'enableReplicaPoolerLoadBalancer',
      'enableReplicaPoolerNodePort',
      'enableShmVolume',
    ),
    env: list(fields({ name: text, value: text, valueFrom: open }, ['name'])),
    envFrom: list(open),
    initContainers: list(open),
    livenessProbe: open,
    logicalBackupRetention: text,
    logicalBackupSchedule: { type: 'string', pattern: '^(\\d+|\\*)(/\\d+)?(\\s+(\\d+|\\*)(/\\d+)?){4}$' },
    // No null here: the server drops one before it validates.
    maintenanceWindows: list({
      type: 'string',
      pattern:
        '^ *((Mon|Tue|Wed|Thu|Fri|Sat|Sun):)?([01]?\\d|2[0-3]):[0-5]?\\d-([01]?\\d|2[0-3]):[0-5]?\\d *$',
    }),
    masterNodePort: int,
    masterPoolerNodePort: int,
    masterServiceAnnotations: map(text),
    nodeAffinity: open,
    numberOfInstances: { ...int, minimum: 0 },
    patroni,
    podAnnotations: map(text),
    podPriorityClassName: text,
    postgresql: fields({ parameters: map(text), version: choice('14', '15', '16', '17', '18') }, ['version']),
    preparedDatabases: map(open),
    replicaNodePort: int,
    replicaPoolerNodePort: int,
    replicaServiceAnnotations: map(text),
    resources,
    schedulerName: text,
    serviceAnnotations: map(text),
    sidecars: list(open),
    spiloFSGroup: bigInt,
    spiloRunAsGroup: bigInt,
    spiloRunAsUser: bigInt,
    standby: fields({
      gs_wal_path: text,
      s3_wal_path: text,
      standby_host: text,
      standby_port: text,
      standby_primary_slot_name: text,
    }),
    streams: list(open),
    teamId: text,
    tls: fields(
      { caFile: text, caSecretName: text, certificateFile: text, privateKeyFile: text, secretName: text },
      ['secretName'],
    ),
    tolerations: list(
      fields({ effect: text, key: text, operator: text, tolerationSeconds: bigInt, value: text }),
    ),
    topologySpreadConstraints: list(open),
    users: map(list(text)),
    usersIgnoringSecretRotation: list(text, { nullable: true }),
    usersWithInPlaceSecretRotation: list(text, { nullable: true }),
    usersWithSecretRotation: list(text, { nullable: true }),
    volume: fields(
      {
        iops: { ...int, maximum: 80_000 },
        isSubPathExpr: flag,
        selector: open,
        size: BYTES,
        storageClass: text,
        subPath: text,
        throughput: { ...int, maximum: 2_000 },
        type: text,
      },
      ['size'],
    ),
  },
  ['numberOfInstances', 'postgresql', 'teamId', 'volume'],
);

/** What the operator reads. Sub-objects that hold parts of pods are left open. */
export const ZALANDO_DEFINITIONS = [
  definition(
    { group: 'acid.zalan.do', version: 'v1', kind: 'postgresql', plural: 'postgresqls', shortNames: ['pg'] },
    fields({ spec, status: fields({ PostgresClusterStatus: text }, ['PostgresClusterStatus']) }, [
      'metadata',
      'spec',
    ]),
  ),
  definition(
    {
      group: 'acid.zalan.do',
      version: 'v1',
      kind: 'OperatorConfiguration',
      plural: 'operatorconfigurations',
      shortNames: ['opconfig'],
    },
    fields({ configuration: open }, ['metadata', 'configuration']),
  ),
  definition(
    {
      group: 'acid.zalan.do',
      version: 'v1',
      kind: 'PostgresTeam',
      plural: 'postgresteams',
      shortNames: ['pgteam'],
    },
    fields({ spec: open }, ['metadata', 'spec']),
  ),
];
