import type { Api } from '../api/api.ts';
import { HELM_DEFINITIONS } from '../definitions/helm.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { timestamp } from '../clock.ts';

export interface NodeOptions {
  readonly name: string;
  readonly ip: string;
  readonly isServer?: boolean;
  /** @defaultValue 4 */
  readonly cpus?: number;
  /** @defaultValue 16 */
  readonly memoryGi?: number;
  /** @defaultValue true */
  readonly isReady?: boolean;
}

/** What a cluster of K3s holds before anything was installed in it. */
export function createK3s(api: Api, nodes: readonly NodeOptions[]): void {
  for (const definition of HELM_DEFINITIONS) put(api, definition as KubeObject);
  put(api, {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 'local-path', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    provisioner: 'rancher.io/local-path',
    volumeBindingMode: 'WaitForFirstConsumer',
  });
  for (const node of nodes) createNode(api, node);
}

function put(api: Api, object: KubeObject): KubeObject {
  const type = api.registry.findKind(object.apiVersion, object.kind);
  if (type === undefined) throw new Error(`the kind ${object.kind} is missing`);
  return api.create({ type, namespace: '', name: '' }, object, { manager: 'k3s' });
}

function createNode(
  api: Api,
  { name, ip, isServer = false, cpus = 4, memoryGi = 16, isReady = true }: NodeOptions,
): void {
  const type = api.registry.findKind('v1', 'Node');
  if (type === undefined) throw new Error('the kind Node is missing');
  const capacity = { cpu: String(cpus), memory: `${memoryGi}Gi`, pods: '110' };
  const status = {
    addresses: [
      { type: 'InternalIP', address: ip },
      { type: 'Hostname', address: name },
    ],
    capacity,
    allocatable: capacity,
    conditions: [
      {
        type: 'Ready',
        status: isReady ? 'True' : 'Unknown',
        reason: isReady ? 'KubeletReady' : 'NodeStatusUnknown',
        message: '',
        lastHeartbeatTime: timestamp(api.clock.now()),
        lastTransitionTime: timestamp(api.clock.now()),
      },
    ],
    nodeInfo: {
      kubeletVersion: 'v1.36.3+k3s1',
      osImage: 'Debian GNU/Linux 12 (bookworm)',
      architecture: 'amd64',
      operatingSystem: 'linux',
    },
  };
  const labels = {
    'kubernetes.io/hostname': name,
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': 'amd64',
    ...(isServer ? { 'node-role.kubernetes.io/control-plane': 'true' } : {}),
  };
  put(api, { apiVersion: 'v1', kind: 'Node', metadata: { name, labels }, spec: { podCIDR: '10.42.0.0/24' } });
  api.patch({ type, namespace: '', name, subresource: 'status' }, 'merge', { status }, { manager: 'k3s' });
}
