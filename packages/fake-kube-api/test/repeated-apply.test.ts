import { describe, expect, it } from 'vitest';
import { raw } from './support/raw.ts';
import { useFakeKubeApi, type AnyObject, type Clients } from './support/use-fake-kube-api.ts';

const podTemplate = {
  metadata: { labels: { app: 'x' } },
  spec: {
    restartPolicy: 'Never',
    containers: [
      { name: 'x', image: 'busybox', env: [], resources: { requests: { cpu: '0.1', memory: '1024Mi' } } },
    ],
    volumes: [
      { name: 'scratch', emptyDir: {} },
      { name: 'secret', secret: { secretName: 's' } },
    ],
  },
};
const always = { ...podTemplate, spec: { ...podTemplate.spec, restartPolicy: 'Always' } };
const selector = { matchLabels: { app: 'x' } };
const rules = [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }];
const role = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'x' };

/** One of each kind that a deployment applies, written as people write them. */
const OBJECTS: readonly (readonly [path: string, apiVersion: string, kind: string, rest: object])[] = [
  ['/api/v1/namespaces/default/configmaps', 'v1', 'ConfigMap', { data: { a: '1' } }],
  ['/api/v1/namespaces/default/secrets', 'v1', 'Secret', { stringData: { password: 'p' } }],
  [
    '/api/v1/namespaces/default/services',
    'v1',
    'Service',
    { spec: { type: 'LoadBalancer', selector: { app: 'x' }, ports: [{ port: 5432 }] } },
  ],
  [
    '/api/v1/namespaces/default/persistentvolumeclaims',
    'v1',
    'PersistentVolumeClaim',
    { spec: { accessModes: ['ReadWriteMany'], resources: { requests: { storage: '1024Mi' } } } },
  ],
  [
    '/api/v1/persistentvolumes',
    'v1',
    'PersistentVolume',
    {
      spec: {
        accessModes: ['ReadWriteMany'],
        capacity: { storage: '10Gi' },
        csi: { driver: 'smb.csi.k8s.io', volumeHandle: 'x' },
      },
    },
  ],
  ['/api/v1/namespaces', 'v1', 'Namespace', { metadata: { labels: { a: 'b' } } }],
  [
    '/apis/apps/v1/namespaces/default/deployments',
    'apps/v1',
    'Deployment',
    { spec: { selector, template: always } },
  ],
  [
    '/apis/apps/v1/namespaces/default/statefulsets',
    'apps/v1',
    'StatefulSet',
    { spec: { serviceName: 'x', selector, template: always } },
  ],
  [
    '/apis/apps/v1/namespaces/default/daemonsets',
    'apps/v1',
    'DaemonSet',
    { spec: { selector, template: always } },
  ],
  ['/apis/batch/v1/namespaces/default/jobs', 'batch/v1', 'Job', { spec: { template: podTemplate } }],
  [
    '/apis/batch/v1/namespaces/default/cronjobs',
    'batch/v1',
    'CronJob',
    {
      spec: {
        schedule: '0 2 * * *',
        timeZone: 'Europe/Berlin',
        jobTemplate: { spec: { backoffLimit: 6, template: podTemplate } },
      },
    },
  ],
  [
    '/apis/networking.k8s.io/v1/namespaces/default/networkpolicies',
    'networking.k8s.io/v1',
    'NetworkPolicy',
    {
      spec: {
        podSelector: {},
        ingress: [{ from: [{ ipBlock: { cidr: '10.0.145.0/24' } }], ports: [{ port: 5432 }] }],
      },
    },
  ],
  [
    '/apis/policy/v1/namespaces/default/poddisruptionbudgets',
    'policy/v1',
    'PodDisruptionBudget',
    { spec: { minAvailable: 1, selector } },
  ],
  [
    '/apis/storage.k8s.io/v1/storageclasses',
    'storage.k8s.io/v1',
    'StorageClass',
    { provisioner: 'rancher.io/local-path', reclaimPolicy: 'Retain' },
  ],
  [
    '/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles',
    'rbac.authorization.k8s.io/v1',
    'Role',
    { rules },
  ],
  [
    '/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings',
    'rbac.authorization.k8s.io/v1',
    'RoleBinding',
    { roleRef: role, subjects: [{ kind: 'User', name: 'u' }] },
  ],
];

async function apply({ server }: Clients, path: string, object: AnyObject): Promise<AnyObject> {
  const url = `${path}/${object.metadata?.name ?? ''}?fieldManager=deploy`;
  const { code, text } = await raw(server, url, {
    method: 'PATCH',
    contentType: 'application/apply-patch+yaml',
    body: object,
  });
  expect(code, text).toBeLessThan(300);
  return JSON.parse(text) as AnyObject;
}

describe('an object that is applied twice', () => {
  it.each(OBJECTS)('stays as it is: %s', async (path, apiVersion, kind, rest) => {
    const clients = await useFakeKubeApi();
    const { metadata = {}, ...fields } = rest as { metadata?: object };
    const object = { apiVersion, kind, metadata: { name: 'x', ...metadata }, ...fields };
    const first = await apply(clients, path, object);
    const second = await apply(clients, path, object);
    expect(second).toEqual(first);
  });

  it('keeps what was written into the template of a CronJob', async () => {
    const clients = await useFakeKubeApi();
    const [path, apiVersion, kind, rest] = OBJECTS.find((each) => each[2] === 'CronJob') ?? ['', '', '', {}];
    const object = await apply(clients, path, { apiVersion, kind, metadata: { name: 'x' }, ...rest });
    expect(object.spec).toMatchObject({
      concurrencyPolicy: 'Allow',
      jobTemplate: { spec: { backoffLimit: 6 } },
    });
    expect(JSON.stringify(object.spec)).not.toContain('completionMode');
  });
});

describe('the client library', () => {
  it('sends fields of built-in kinds only under the names of its classes', async () => {
    const { apply } = await useFakeKubeApi();
    const policy = (ingress: object): AnyObject => ({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'x', namespace: 'default' },
      spec: { podSelector: {}, ingress: [ingress] },
    });
    const peers = [{ podSelector: { matchLabels: { app: 'x' } } }];
    const lost = await apply(policy({ from: peers }));
    expect(JSON.stringify(lost.spec)).not.toContain('matchLabels');
    const kept = await apply(policy({ _from: peers }));
    expect(JSON.stringify(kept.spec)).toContain('matchLabels');
  });
});
