/** The example app KlaTab beside its database, where the lab asks for it: `addons.klatab`. */
import type { Lab } from '../config/lab.ts';
import { CLIENT_LABEL, ownLabels, serviceNames, tlsSecretName } from './manifest.ts';
import type { Manifest } from './manifest.ts';
import type { Kube } from './schema/kinds.ts';
import { credentialsName, secret, sourceOf } from './secrets.ts';

const PORT = 8080;
/** The user `node` of the usual images. */
const USER = 1000;
/** A save may wait a minute for a new primary, and is answered before the process ends. */
const GRACE_SECONDS = 75;
/** Services need a moment to hear that a pod is on its way out; it still answers meanwhile. */
const LEAVING_MS = 5_000;

type Container = Kube<'Deployment'>['spec']['template']['spec']['containers'][number];

/** Its Secret, Deployment and Service, and who may reach it: the ingress controller and Prometheus. */
export function klatab(lab: Lab): Manifest[] {
  const app = lab.addons.klatab;
  if (app === undefined) return [];
  const name = klatabName(lab);
  const metadata = {
    name,
    namespace: lab.cluster.namespace,
    labels: { ...ownLabels(lab), ...podLabels(lab) },
  };
  return [
    secret(lab, { name, type: 'Opaque', values: { secret: sourceOf(app.secret) } }),
    { object: deployment(lab, app, metadata) },
    {
      object: {
        apiVersion: 'v1',
        kind: 'Service',
        metadata,
        spec: {
          selector: podLabels(lab),
          ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: PORT }],
        },
      },
    },
    {
      object: {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        metadata,
        spec: {
          podSelector: { matchLabels: podLabels(lab) },
          policyTypes: ['Ingress'],
          ingress: [
            {
              from: [
                // As K3s brings it.
                podsOf('kube-system', 'traefik'),
                podsOf(lab.monitoring.namespace, 'prometheus'),
              ],
              ports: [{ protocol: 'TCP', port: PORT }],
            },
          ],
        },
      },
    },
  ];
}

export function klatabName({ cluster: { name } }: Lab): string {
  return `${name.slice(0, 56).replace(/-+$/, '')}-klatab`;
}

function podLabels(lab: Lab): Record<string, string> {
  return { 'app.kubernetes.io/name': 'klatab', 'app.kubernetes.io/instance': klatabName(lab) };
}

function deployment(
  lab: Lab,
  { image, replicas }: NonNullable<Lab['addons']['klatab']>,
  metadata: Kube<'Deployment'>['metadata'],
): Kube<'Deployment'> {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata,
    spec: {
      replicas,
      selector: { matchLabels: podLabels(lab) },
      template: {
        // The database's network policy lets pods with this label in.
        metadata: { labels: { ...ownLabels(lab), ...podLabels(lab), ...CLIENT_LABEL } },
        spec: {
          automountServiceAccountToken: false,
          // Variables for each service of the namespace: the client would refuse those that look like its own.
          enableServiceLinks: false,
          terminationGracePeriodSeconds: GRACE_SECONDS,
          securityContext: {
            runAsNonRoot: true,
            runAsUser: USER,
            runAsGroup: USER,
            seccompProfile: { type: 'RuntimeDefault' },
          },
          initContainers: [container(lab, 'migrate', image, ['--migrate'])],
          containers: [
            {
              ...container(lab, 'klatab', image, ['--host', '0.0.0.0', '--port', String(PORT)]),
              ports: [{ name: 'http', containerPort: PORT, protocol: 'TCP' }],
              readinessProbe: {
                httpGet: { path: '/readyz', port: PORT },
                periodSeconds: 5,
                timeoutSeconds: 5,
              },
              livenessProbe: {
                httpGet: { path: '/healthz', port: PORT },
                periodSeconds: 10,
                timeoutSeconds: 5,
              },
              lifecycle: {
                preStop: { exec: { command: ['node', '-e', `setTimeout(() => {}, ${LEAVING_MS})`] } },
              },
            },
          ],
          // The authority only: the key is none of these pods' business.
          volumes: [
            {
              name: 'tls',
              secret: { secretName: tlsSecretName(lab), items: [{ key: 'ca.crt', path: 'ca.crt' }] },
            },
          ],
        },
      },
    },
  };
}

function container(lab: Lab, name: string, image: string, args: readonly string[]): Container {
  const { namespace, database, user } = lab.cluster;
  const services = serviceNames(lab);
  const host = (service: string) => `${service}.${namespace}.svc`;
  const fromSecret = (of: string, key: string) => ({ secretKeyRef: { name: of, key } });
  return {
    name,
    image,
    command: ['node', 'src/main.ts', ...args],
    env: [
      { name: 'SCHOOLDB_MASTER', value: host(services.master) },
      { name: 'SCHOOLDB_REPLICA', value: host(services.replica) },
      { name: 'SCHOOLDB_DATABASE', value: database },
      { name: 'SCHOOLDB_USER', value: user },
      { name: 'SCHOOLDB_PASSWORD', valueFrom: fromSecret(credentialsName(lab, user), 'password') },
      { name: 'SCHOOLDB_TLS_CA_FILE', value: '/tls/ca.crt' },
      { name: 'KLATAB_SECRET', valueFrom: fromSecret(klatabName(lab), 'secret') },
      { name: 'KLATAB_TRUST_PROXY', value: 'true' },
    ],
    resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '1', memory: '512Mi' } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [{ name: 'tls', mountPath: '/tls', readOnly: true }],
  };
}

function podsOf(namespace: string, name: string) {
  return {
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
    podSelector: { matchLabels: { 'app.kubernetes.io/name': name } },
  };
}
