import type { Lab } from '../config/lab.ts';
import { ownLabels } from './manifest.ts';
import type { Manifest, SecretSource } from './manifest.ts';
import { secret, sourceOf } from './secrets.ts';

/** K3s' local-path, except that the data stays when the claim goes. */
export function storage(lab: Lab): Manifest[] {
  return [
    {
      object: {
        apiVersion: 'storage.k8s.io/v1',
        kind: 'StorageClass',
        metadata: { name: 'local-path-retain', labels: ownLabels(lab) },
        provisioner: 'rancher.io/local-path',
        reclaimPolicy: 'Retain',
        // The volume is made on the node that the scheduler has chosen for the pod, not the other way round.
        volumeBindingMode: 'WaitForFirstConsumer',
        allowVolumeExpansion: false,
      },
    },
  ];
}

/**
 * With `seal` the traffic is encrypted. csi-driver-smb's own example has `noserverino` against corruption. The user and
 * group are Spilo's, whose image the backups run in.
 */
const MOUNT_OPTIONS = [
  'vers=3.1.1',
  'seal',
  'dir_mode=0700',
  'file_mode=0600',
  'uid=101',
  'gid=103',
  'noserverino',
];

/** The share on the services host, as a volume that backups are written to. */
export function backupShare(lab: Lab): Manifest[] {
  const { smb } = lab.addons;
  if (smb === undefined) return [];
  const { name: cluster, namespace } = lab.cluster;
  const name = `${cluster}-backups`;
  const values: Record<string, SecretSource> = { password: sourceOf(smb.password) };
  return [
    secret(lab, { name, type: 'Opaque', plain: { username: smb.user }, values }),
    {
      object: {
        apiVersion: 'v1',
        kind: 'PersistentVolume',
        metadata: { name: `${namespace}-${name}`, labels: ownLabels(lab) },
        spec: {
          capacity: { storage: smb.size },
          accessModes: ['ReadWriteMany'],
          persistentVolumeReclaimPolicy: 'Retain',
          storageClassName: 'smb',
          mountOptions: MOUNT_OPTIONS,
          csi: {
            driver: 'smb.csi.k8s.io',
            // Unique in the cluster, whatever it says.
            volumeHandle: `${smb.share.slice(2)}##${namespace}-${name}`,
            volumeAttributes: { source: smb.share },
            nodeStageSecretRef: { name, namespace },
          },
        },
      },
    },
    {
      object: {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name, namespace, labels: ownLabels(lab) },
        spec: {
          accessModes: ['ReadWriteMany'],
          storageClassName: 'smb',
          volumeName: `${namespace}-${name}`,
          resources: { requests: { storage: smb.size } },
        },
      },
    },
  ];
}
