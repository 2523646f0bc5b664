import fc from 'fast-check';
import { formatAddress } from '../../src/config/ipv4.ts';
import type { Host, Lab } from '../../src/config/lab.ts';

const word = fc.stringMatching(/^[a-z]([-a-z0-9]{0,12}[a-z0-9])?$/);
const roleName = fc
  .stringMatching(/^[a-z]([-_a-z0-9]{0,12}[a-z0-9])?$/)
  .map((name) => `r${name}`)
  .map((name) => name.slice(0, 63));
const reference = fc.oneof(
  fc.constant('generated' as const),
  fc.record({ file: fc.stringMatching(/^[-./a-zA-Z0-9 ]{1,20}$/) }),
  fc.record({ environment: fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,10}$/) }),
);
const PLATFORMS = ['metal', 'vm', 'lxc-privileged', 'lxc-unprivileged'] as const;

interface Shape {
  profile: Lab['profile'];
  servers: number;
  agents: number;
  platform: (typeof PLATFORMS)[number];
  base: number;
  poolStart: number;
  poolSize: number;
  offsets: number[];
}

const shape: fc.Arbitrary<Shape> = fc
  .record({
    profile: fc.constantFrom('external-postgres' as const, 'embedded-etcd' as const),
    half: fc.integer({ min: 1, max: 2 }),
    agents: fc.integer({ min: 0, max: 5 }),
    platform: fc.constantFrom(...PLATFORMS),
    // 192.168.x.0/24 and 10.99.x.0/24: never the networks inside Kubernetes.
    base: fc
      .tuple(fc.constantFrom(192 * 256 + 168, 10 * 256 + 99), fc.nat(255))
      .map(([high, low]) => (high * 256 + low) * 256),
    poolStart: fc.integer({ min: 60, max: 200 }),
    poolSize: fc.integer({ min: 4, max: 50 }),
    seed: fc.uniqueArray(fc.nat(49), { minLength: 50, maxLength: 50 }),
  })
  .map(({ half, seed, ...rest }) => ({
    ...rest,
    servers: 2 * half + 1,
    offsets: seed.filter((offset) => offset < rest.poolSize).slice(0, 4),
  }));

/** Labs that are right: everything that may vary does, within what the checks allow. */
export const arbitraryLab: fc.Arbitrary<Lab> = shape.chain((of) =>
  fc.record({
    profile: fc.constant(of.profile),
    hosts: fc.constant(hosts(of)),
    network: network(of),
    cluster: cluster(),
    secrets: fc.record({ superuser: reference, replication: reference, pooler: reference, user: reference }),
    tls: fc.record({
      authority: fc.oneof(
        fc.constant('generated' as const),
        fc.constant({ certificateFile: 'ca.crt', keyFile: 'ca.key' }),
      ),
      certificateDays: fc.integer({ min: 2, max: 825 }),
    }),
    charts: fc.constantFrom(
      { source: 'repository' as const },
      { source: 'directory' as const, directory: 'charts' },
    ),
    addons: addons(of),
    monitoring: fc.record({ namespace: word }),
    limits: fc.constant({
      replicaReadMs: 1_000,
      switchoverMs: 15_000,
      failoverMs: 121_000,
      lostWrites: 0,
      unknownWrites: 0,
    }),
  }),
);

function hosts({ servers, agents, platform, base }: Shape): Record<string, Host> {
  const node = (n: number, role: Host['role']): [string, Host] => [
    `node${n}`,
    { address: formatAddress(base + 10 + n), role, platform, cpus: 64, memory: '256Gi' },
  ];
  const nodes = Array.from({ length: servers + agents }, (_, n) => node(n, n < servers ? 'server' : 'agent'));
  return Object.fromEntries([...nodes, node(servers + agents, 'services')]);
}

function network({ base, poolStart, poolSize, offsets }: Shape): fc.Arbitrary<Lab['network']> {
  const at = (offset = 0) => formatAddress(base + poolStart + offset);
  const subnet = `${formatAddress(base)}/24`;
  return fc.record({
    subnet: fc.constant(subnet),
    clientNetworks: fc.constantFrom([subnet], ['172.16.0.0/12'], [subnet, '172.16.0.0/12', '203.0.113.7/32']),
    addressPool: fc.constant(`${at()}-${at(poolSize - 1)}`),
    addresses: fc.constant({
      master: at(offsets[0]),
      replica: at(offsets[1]),
      replicaPooler: at(offsets[2]),
      masterPooler: at(offsets[3]),
    }),
    podNetwork: fc.constantFrom('10.42.0.0/16', '10.42.0.0/20', '10.244.0.0/18'),
    serviceNetwork: fc.constant('10.43.0.0/16'),
  });
}

function cluster(): fc.Arbitrary<Lab['cluster']> {
  return fc.integer({ min: 2, max: 20 }).chain(
    (instances) =>
      fc.record({
        name: fc.stringMatching(/^[a-z]([-a-z0-9]{0,56}[a-z0-9])?$/),
        namespace: fc.constantFrom('default', 'datenbank'),
        team: word,
        postgres: fc.constantFrom(14, 15, 16, 17, 18),
        database: roleName,
        user: roleName,
        instances: fc.constant(instances),
        volume: fc.record({
          size: fc.constantFrom('1Gi', '10Gi', '500M'),
          storageClass: fc.constant('local-path-retain' as const),
        }),
        resources: fc.constant({
          requests: { cpu: '100m', memory: '256Mi' },
          limits: { cpu: '1.5', memory: '1Gi' },
        }),
        parameters: fc.record({
          max_connections: fc.integer({ min: 100, max: 1000 }),
          max_wal_senders: fc.integer({ min: instances + 5, max: 100 }),
          max_replication_slots: fc.integer({ min: instances + 5, max: 100 }),
          // Values that YAML 1.1 would take for something else.
          log_statement: fc.constantFrom('on', 'no', 'y', '0o17', '1:30', 'null', '~', '', '1e3', ' x'),
          jit: fc.boolean(),
        }),
        pooler: fc.record({
          instances: fc.integer({ min: 1, max: 5 }),
          mode: fc.constantFrom('transaction' as const, 'session' as const),
          maxDbConnections: fc.integer({ min: 1, max: 80 }),
          resources: fc.constant({
            requests: { cpu: '50m', memory: '64Mi' },
            limits: { cpu: '1', memory: '64Mi' },
          }),
        }),
        patroni: fc.record({
          ttlSeconds: fc.integer({ min: 30, max: 120 }),
          loopWaitSeconds: fc.integer({ min: 1, max: 10 }),
          retryTimeoutSeconds: fc.integer({ min: 3, max: 10 }),
          synchronous: fc.boolean(),
          strictlySynchronous: fc.constant(false),
          synchronousNodes: fc.integer({ min: 1, max: instances - 1 }),
          failsafe: fc.boolean(),
          maximumLagBytes: fc.nat(2 ** 31 - 1),
        }),
        maintenanceWindows: fc.constantFrom(['Sun:01:00-04:00'], ['01:00-04:00', 'Mon:1:5-2:0']),
      }) as fc.Arbitrary<Lab['cluster']>,
  );
}

function addons({ platform }: Shape): fc.Arbitrary<Lab['addons']> {
  const smb = { share: '//192.0.2.1/backups', user: 'backup', password: 'generated' as const, size: '1Gi' };
  return fc.record(
    {
      operatorUi: fc.boolean(),
      longhorn: platform.startsWith('lxc') ? fc.constant(false) : fc.boolean(),
      ...(platform === 'lxc-unprivileged' ? {} : { smb: fc.constant(smb) }),
      klatab: fc.record({
        image: fc.constantFrom('klatab:1', 'registry.example:5000/schule/klatab@sha256:0'),
        replicas: fc.integer({ min: 1, max: 20 }),
        secret: reference,
      }),
    },
    { requiredKeys: ['operatorUi', 'longhorn'] },
  );
}
