/**
 * Our own schema of what we send: exactly the fields that we set, each with its type, and no other. An object that passes
 * here has been thought about; a test holds this against the upstream schemas, so that a typing error is found in either.
 */
import { z } from 'zod';

const labels = () => z.record(z.string(), z.string());
/** Kubernetes' own limit for most names. */
const name = () => z.string().regex(/^[a-z0-9](?:[-.a-z0-9]{0,251}[a-z0-9])?$/);
const label = () => z.string().regex(/^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/);
const int = () => z.int();

const metadata = () => z.strictObject({ name: name(), labels: labels(), annotations: labels().optional() });

export const clusterScoped = metadata;

export function namespaced() {
  return metadata().extend({ namespace: label() });
}

export function labelSelector() {
  return z.strictObject({
    matchLabels: labels().optional(),
    matchExpressions: z
      .array(
        z.strictObject({ key: z.string(), operator: z.enum(['In']), values: z.array(z.string()).min(1) }),
      )
      .optional(),
  });
}

export function resources() {
  const amounts = () => z.strictObject({ cpu: z.string(), memory: z.string() });
  return z.strictObject({ requests: amounts(), limits: amounts() });
}

export const namespaceSchema = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('Namespace'),
  metadata: clusterScoped(),
});

/** `data` holds what is no secret (names); the rest is filled in at the last moment, see {@link SecretSource}. */
export const secretSchema = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('Secret'),
  metadata: namespaced(),
  type: z.enum(['Opaque', 'kubernetes.io/tls']),
  data: z.record(z.string(), z.base64()).optional(),
});

export const configMapSchema = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('ConfigMap'),
  metadata: namespaced(),
  immutable: z.literal(true),
  data: z.record(z.string(), z.string()),
});

export const persistentVolumeSchema = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('PersistentVolume'),
  metadata: clusterScoped(),
  spec: z.strictObject({
    capacity: z.strictObject({ storage: z.string() }),
    accessModes: z.array(z.literal('ReadWriteMany')),
    persistentVolumeReclaimPolicy: z.literal('Retain'),
    storageClassName: name(),
    mountOptions: z.array(z.string()),
    csi: z.strictObject({
      driver: z.literal('smb.csi.k8s.io'),
      volumeHandle: z.string(),
      volumeAttributes: z.strictObject({ source: z.string() }),
      nodeStageSecretRef: z.strictObject({ name: name(), namespace: label() }),
    }),
  }),
});

export const persistentVolumeClaimSchema = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('PersistentVolumeClaim'),
  metadata: namespaced(),
  spec: z.strictObject({
    accessModes: z.array(z.literal('ReadWriteMany')),
    storageClassName: name(),
    volumeName: name(),
    resources: z.strictObject({ requests: z.strictObject({ storage: z.string() }) }),
  }),
});

export const storageClassSchema = z.strictObject({
  apiVersion: z.literal('storage.k8s.io/v1'),
  kind: z.literal('StorageClass'),
  metadata: clusterScoped(),
  provisioner: z.string(),
  reclaimPolicy: z.literal('Retain'),
  volumeBindingMode: z.literal('WaitForFirstConsumer'),
  allowVolumeExpansion: z.literal(false),
});

const peer = z.union([
  z.strictObject({ ipBlock: z.strictObject({ cidr: z.cidrv4() }) }),
  z.strictObject({ podSelector: labelSelector() }),
  z.strictObject({ namespaceSelector: labelSelector(), podSelector: labelSelector() }),
]);

export type NetworkPolicyPeer = z.infer<typeof peer>;

export const networkPolicySchema = z.strictObject({
  apiVersion: z.literal('networking.k8s.io/v1'),
  kind: z.literal('NetworkPolicy'),
  metadata: namespaced(),
  spec: z.strictObject({
    podSelector: labelSelector(),
    policyTypes: z.array(z.literal('Ingress')),
    ingress: z.array(
      z.strictObject({
        // An empty list of peers would let everybody in.
        from: z.array(peer).min(1),
        ports: z.array(z.strictObject({ protocol: z.literal('TCP'), port: int() })).min(1),
      }),
    ),
  }),
});

const container = z.strictObject({
  name: label(),
  image: z.string(),
  command: z.array(z.string()),
  env: z.array(
    z.union([
      z.strictObject({ name: z.string(), value: z.string() }),
      z.strictObject({
        name: z.string(),
        valueFrom: z.strictObject({ secretKeyRef: z.strictObject({ name: name(), key: z.string() }) }),
      }),
    ]),
  ),
  resources: resources(),
  securityContext: z.strictObject({
    allowPrivilegeEscalation: z.literal(false),
    readOnlyRootFilesystem: z.literal(true),
    capabilities: z.strictObject({ drop: z.array(z.string()) }),
  }),
  volumeMounts: z.array(z.strictObject({ name: label(), mountPath: z.string(), readOnly: z.literal(true) })),
});

const podSecurity = z.strictObject({
  runAsNonRoot: z.literal(true),
  runAsUser: int(),
  runAsGroup: int(),
  seccompProfile: z.strictObject({ type: z.literal('RuntimeDefault') }),
});

const volume = z.union([
  z.strictObject({ name: label(), configMap: z.strictObject({ name: name() }) }),
  z.strictObject({
    name: label(),
    secret: z.strictObject({
      secretName: name(),
      items: z.array(z.strictObject({ key: z.string(), path: z.string() })),
    }),
  }),
]);

export const jobSchema = z.strictObject({
  apiVersion: z.literal('batch/v1'),
  kind: z.literal('Job'),
  metadata: namespaced(),
  spec: z.strictObject({
    backoffLimit: int(),
    activeDeadlineSeconds: int(),
    template: z.strictObject({
      metadata: z.strictObject({ labels: labels() }),
      spec: z.strictObject({
        restartPolicy: z.literal('Never'),
        automountServiceAccountToken: z.literal(false),
        securityContext: podSecurity,
        containers: z.array(container),
        volumes: z.array(volume),
      }),
    }),
  }),
});

const probe = z.strictObject({
  httpGet: z.strictObject({ path: z.string(), port: int() }),
  periodSeconds: int(),
  timeoutSeconds: int(),
});

const servingContainer = container.extend({
  ports: z
    .array(z.strictObject({ name: label(), containerPort: int(), protocol: z.literal('TCP') }))
    .optional(),
  readinessProbe: probe.optional(),
  livenessProbe: probe.optional(),
  lifecycle: z
    .strictObject({
      preStop: z.strictObject({ exec: z.strictObject({ command: z.array(z.string()) }) }),
    })
    .optional(),
});

export const deploymentSchema = z.strictObject({
  apiVersion: z.literal('apps/v1'),
  kind: z.literal('Deployment'),
  metadata: namespaced(),
  spec: z.strictObject({
    replicas: int(),
    selector: z.strictObject({ matchLabels: labels() }),
    template: z.strictObject({
      metadata: z.strictObject({ labels: labels() }),
      spec: z.strictObject({
        automountServiceAccountToken: z.literal(false),
        enableServiceLinks: z.literal(false),
        terminationGracePeriodSeconds: int(),
        securityContext: podSecurity,
        initContainers: z.array(container),
        containers: z.array(servingContainer),
        volumes: z.array(volume),
      }),
    }),
  }),
});

export const serviceSchema = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('Service'),
  metadata: namespaced(),
  spec: z.strictObject({
    selector: labels(),
    ports: z.array(
      z.strictObject({ name: label(), protocol: z.literal('TCP'), port: int(), targetPort: int() }),
    ),
  }),
});
