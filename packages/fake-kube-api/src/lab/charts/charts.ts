import { definition } from '../../definitions/definition.ts';
import { open } from '../../schema/words.ts';
import { METALLB_DEFINITIONS } from '../../definitions/metallb.ts';
import { ZALANDO_DEFINITIONS } from '../../definitions/zalando.ts';
import { at } from '../../objects/json.ts';
import { daemonSet, deployment, named, service, type Chart, type Labels, type Release } from './chart.ts';

const LONGHORN_KINDS = [
  ['Volume', 'volumes'],
  ['Node', 'nodes'],
  ['Setting', 'settings'],
  ['Engine', 'engines'],
  ['Replica', 'replicas'],
  ['Backup', 'backups'],
  ['BackupTarget', 'backuptargets'],
  ['RecurringJob', 'recurringjobs'],
] as const;

/** The charts that the deployment installs, by their names. */
export const CHARTS: Readonly<Record<string, Chart>> = {
  metallb: {
    // MetalLB's chart has its definitions among its templates, but Helm's order makes that equal here.
    definitions: METALLB_DEFINITIONS,
    objects: (release) => [
      deployment(release, {
        name: `${release.name}-controller`,
        image: 'quay.io/metallb/controller:v0.16.1',
        labels: ofMetallb(release, 'controller'),
      }),
      daemonSet(release, {
        name: `${release.name}-speaker`,
        image: 'quay.io/metallb/speaker:v0.16.1',
        labels: ofMetallb(release, 'speaker'),
      }),
      ...(at(release.values, 'frrk8s', 'enabled') === false
        ? []
        : [daemonSet(release, { name: `${release.name}-frr-k8s`, image: 'quay.io/frrouting/frr:10.4.1' })]),
      service(release, 'metallb-webhook-service', ofMetallb(release, 'controller'), 443, 9443),
      {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'ValidatingWebhookConfiguration',
        metadata: { name: 'metallb-webhook-configuration' },
        webhooks: ['ipaddresspool', 'l2advertisement'].map((kind) => ({
          name: `${kind}validationwebhook.metallb.io`,
          admissionReviewVersions: ['v1'],
          clientConfig: {
            service: {
              name: 'metallb-webhook-service',
              namespace: release.namespace,
              path: `/validate-metallb-io-v1beta1-${kind}`,
            },
          },
          failurePolicy: 'Fail',
          sideEffects: 'None',
          rules: [
            {
              apiGroups: ['metallb.io'],
              apiVersions: ['v1beta1'],
              operations: ['CREATE', 'UPDATE'],
              resources: [`${kind}s`],
            },
          ],
        })),
      },
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: `${release.name}-memberlist`, namespace: release.namespace },
        stringData: { secretkey: 'x' },
      },
    ],
  },
  'postgres-operator': {
    definitions: ZALANDO_DEFINITIONS,
    objects: (release) => [
      deployment(release, { name: release.name, image: 'ghcr.io/zalando/postgres-operator:v2.0.1' }),
      service(release, release.name, named(release.name), 8080),
      {
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: { name: 'postgres-operator', namespace: release.namespace },
      },
    ],
  },
  'postgres-operator-ui': {
    definitions: [],
    objects: (release) => [
      deployment(release, { name: release.name, image: 'ghcr.io/zalando/postgres-operator-ui:v2.0.1' }),
      service(release, release.name, named(release.name), 80, 8081),
    ],
  },
  'csi-driver-smb': {
    definitions: [],
    objects: (release) => [
      {
        apiVersion: 'storage.k8s.io/v1',
        kind: 'CSIDriver',
        metadata: { name: 'smb.csi.k8s.io' },
        spec: { attachRequired: false, podInfoOnMount: true },
      },
      deployment(release, {
        name: 'csi-smb-controller',
        image: 'registry.k8s.io/sig-storage/smbplugin:v1.20.3',
      }),
      daemonSet(release, { name: 'csi-smb-node', image: 'registry.k8s.io/sig-storage/smbplugin:v1.20.3' }),
    ],
  },
  longhorn: {
    definitions: LONGHORN_KINDS.map(([kind, plural]) =>
      definition(
        { group: 'longhorn.io', version: 'v1beta2', kind, plural },
        { type: 'object', properties: { spec: open, status: open } },
      ),
    ),
    objects: (release) => [
      daemonSet(release, { name: 'longhorn-manager', image: 'longhornio/longhorn-manager:v1.12.1' }),
      deployment(release, { name: 'longhorn-driver-deployer', image: 'longhornio/longhorn-manager:v1.12.1' }),
      deployment(
        release,
        { name: 'longhorn-ui', image: 'longhornio/longhorn-ui:v1.12.1', labels: { app: 'longhorn-ui' } },
        2,
      ),
      service(release, 'longhorn-frontend', { app: 'longhorn-ui' }, 80, 8000),
      {
        apiVersion: 'storage.k8s.io/v1',
        kind: 'StorageClass',
        metadata: { name: 'longhorn' },
        provisioner: 'driver.longhorn.io',
        allowVolumeExpansion: true,
      },
    ],
  },
};

/** As its chart labels its programs: by the chart's name, not by theirs. */
function ofMetallb({ name }: Release, component: 'controller' | 'speaker'): Labels {
  return {
    'app.kubernetes.io/name': 'metallb',
    'app.kubernetes.io/instance': name,
    'app.kubernetes.io/component': component,
  };
}
