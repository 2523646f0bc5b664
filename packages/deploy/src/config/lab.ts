/**
 * What a lab.yaml holds. No transformation and no hidden default: what is read is what was written, so that every check
 * can name the line, and two people who read the same file see the same lab.
 */
import { z } from 'zod';
import { parseAddress, parseNetwork, parseRange } from './ipv4.ts';
import type { ProblemCode } from './problem.ts';
import { parseCpu, parseMemory } from './quantity.ts';
import { isAuthorityReference, isSecretReference } from './secret-reference.ts';
import type { AuthorityReference, SecretReference } from './secret-reference.ts';

/** A text that must pass; the code says which problem it is if it does not. */
function text(code: ProblemCode, passes: (value: string) => boolean) {
  return z.string().refine(passes, { params: { code } });
}

const address = () => text('not-an-address', (value) => parseAddress(value) !== undefined);
const network = () => text('not-a-network', (value) => parseNetwork(value) !== undefined);
const memory = () => text('not-a-memory', (value) => parseMemory(value) !== undefined);
const cpu = () => text('not-a-cpu', (value) => parseCpu(value) !== undefined);
const dnsLabel = () => text('not-a-label', (value) => /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/.test(value));
/** What the operator accepts unquoted, and PostgreSQL keeps whole. */
const roleName = () => text('not-a-role', (value) => /^[a-z](?:[-_a-z0-9]{0,61}[a-z0-9])?$/.test(value));
const count = (least: number, most: number) => z.int().min(least).max(most);
const path = () => text('not-a-path', (value) => /^[^\n]+$/.test(value));
const secret = () =>
  z.custom<SecretReference>(isSecretReference, { params: { code: 'not-a-secret-reference' } });

/** The operator's own pattern. */
const WINDOW =
  /^(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun):)?(?:2[0-3]|[01]?\d):[0-5]?\d-(?:2[0-3]|[01]?\d):[0-5]?\d$/;
/** So that `<name>-pooler-repl` is a label still, as the operator has it. */
export const CLUSTER_NAME_LENGTH = 58;
const CLUSTER_NAME = /^[a-z](?:[-a-z0-9]*[a-z0-9])?$/;

const resources = () => z.strictObject({ cpu: cpu(), memory: memory() });
const requestsAndLimits = () => z.strictObject({ requests: resources(), limits: resources() });

const host = z.strictObject({
  address: address(),
  role: z.enum(['server', 'agent', 'services']),
  platform: z.enum(['metal', 'vm', 'lxc-privileged', 'lxc-unprivileged']),
  cpus: count(1, 1024),
  memory: memory(),
});

export const labSchema = z.strictObject({
  profile: z.enum(['external-postgres', 'embedded-etcd']),
  hosts: z.record(dnsLabel(), host),
  network: z.strictObject({
    subnet: network(),
    clientNetworks: z.array(network()).min(1),
    addressPool: text('not-a-range', (value) => parseRange(value) !== undefined),
    addresses: z.strictObject({
      master: address(),
      replica: address(),
      replicaPooler: address(),
      masterPooler: address(),
    }),
    podNetwork: network(),
    serviceNetwork: network(),
  }),
  cluster: z.strictObject({
    name: z
      .string()
      .max(CLUSTER_NAME_LENGTH)
      .refine((value) => CLUSTER_NAME.test(value), { params: { code: 'not-a-cluster-name' } }),
    namespace: dnsLabel(),
    team: dnsLabel(),
    postgres: z.literal([14, 15, 16, 17, 18]),
    database: roleName(),
    user: roleName(),
    instances: count(1, 100),
    volume: z.strictObject({
      size: memory(),
      storageClass: z.enum(['local-path-retain', 'longhorn']),
    }),
    resources: requestsAndLimits(),
    parameters: z
      .strictObject({
        max_connections: count(20, 10_000),
        max_wal_senders: count(1, 1_000),
        max_replication_slots: count(1, 1_000),
      })
      .catchall(z.custom<string | number | boolean>(isSetting, { params: { code: 'not-a-setting' } })),
    pooler: z.strictObject({
      instances: count(1, 20),
      mode: z.enum(['transaction', 'session']),
      maxDbConnections: count(1, 10_000),
      resources: requestsAndLimits(),
    }),
    patroni: z.strictObject({
      ttlSeconds: count(20, 3_600),
      loopWaitSeconds: count(1, 300),
      retryTimeoutSeconds: count(3, 300),
      synchronous: z.boolean(),
      strictlySynchronous: z.boolean(),
      synchronousNodes: count(1, 99),
      failsafe: z.boolean(),
      maximumLagBytes: count(0, Number.MAX_SAFE_INTEGER),
    }),
    maintenanceWindows: z.array(text('not-a-window', (value) => WINDOW.test(value))).optional(),
  }),
  secrets: z.strictObject({
    superuser: secret(),
    replication: secret(),
    pooler: secret(),
    user: secret(),
  }),
  tls: z.strictObject({
    authority: z.custom<AuthorityReference>(isAuthorityReference, {
      params: { code: 'not-an-authority-reference' },
    }),
    certificateDays: count(2, 825),
  }),
  charts: z.strictObject({
    source: z.enum(['repository', 'directory']),
    directory: path().optional(),
  }),
  addons: z.strictObject({
    operatorUi: z.boolean(),
    longhorn: z.boolean(),
    smb: z
      .strictObject({
        share: text('not-a-share', (value) => /^\/\/[-.a-zA-Z0-9]+\/[-._$a-zA-Z0-9]+$/.test(value)),
        user: text('not-a-line', (value) => /^[^\n,]+$/.test(value)),
        password: secret(),
        size: memory(),
      })
      .optional(),
    klatab: z
      .strictObject({
        image: text('not-a-line', (value) => /^[^\s,]+$/.test(value)),
        replicas: count(1, 20),
        secret: secret(),
      })
      .optional(),
  }),
  monitoring: z.strictObject({ namespace: dnsLabel() }),
  limits: z.strictObject({
    replicaReadMs: count(1, 3_600_000),
    switchoverMs: count(1, 3_600_000),
    failoverMs: count(1, 3_600_000),
    lostWrites: count(0, 1_000_000_000),
    unknownWrites: count(0, 1_000_000_000),
  }),
});

/** A lab that is right as a whole: what the manifests are made from. */
export type Lab = z.infer<typeof labSchema>;
export type Host = Lab['hosts'][string];

/** What is right of a lab that is not: each wrong value is missing from it. */
export type LabDraft = Draft<Lab>;

type Draft<T> = T extends readonly (infer Item)[]
  ? readonly (Draft<Item> | undefined)[]
  : T extends object
    ? { readonly [Key in keyof T]?: Draft<T[Key]> | undefined }
    : T;

/** PostgreSQL's settings are one line; the catch-all of zod also sees the three named ones. */
function isSetting(value: unknown): value is string | number | boolean {
  if (typeof value === 'string') return /^[^\n]*$/.test(value);
  return typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value));
}
