import { recordsAt, sameJson, stringsAt, textAt, type JsonObject } from '../objects/json.ts';
import { nameOf, type KubeObject } from '../objects/kube-object.ts';
import type { Cluster } from './cluster.ts';
import type { Controller } from './controller.ts';
import { isReady } from './workloads/pods.ts';

/** Keeps Endpoints, and an EndpointSlice, for each service with a selector: the addresses of its pods. */
export const endpoints: Controller = {
  name: 'endpoints-controller',
  reconcile(cluster) {
    for (const service of cluster.list('v1', 'Service')) {
      const selector = Object.entries(stringsAt(service, 'spec', 'selector'));
      if (selector.length === 0) continue;
      const pods = cluster
        .list('v1', 'Pod', service.metadata.namespace)
        .filter(({ metadata }) => selector.every(([key, value]) => metadata.labels?.[key] === value))
        .filter((pod) => textAt(pod, 'status', 'podIP') !== undefined);
      write(cluster, sliceOf(service, pods), 'endpoints', service);
      write(cluster, endpointsOf(service, pods), 'subsets', service);
    }
  },
};

/** @param field - the only one that changes. */
function write(cluster: Cluster, wanted: KubeObject, field: string, service: KubeObject): void {
  cluster.ensure(wanted, service);
  const found = cluster.get(wanted.apiVersion, wanted.kind, service.metadata.namespace ?? '', nameOf(wanted));
  if (found !== undefined && !sameJson(found[field] ?? [], wanted[field]))
    cluster.patch(found, { [field]: wanted[field] });
}

function portsOf(service: KubeObject): JsonObject[] {
  return recordsAt(service, 'spec', 'ports').map(({ name, targetPort, protocol }) => ({
    name: name ?? '',
    port: typeof targetPort === 'number' ? targetPort : 0,
    protocol,
  }));
}

function referenceTo(pod: KubeObject): JsonObject {
  const { namespace, uid } = pod.metadata;
  return { kind: 'Pod', name: nameOf(pod), namespace, uid };
}

function sliceOf(service: KubeObject, pods: readonly KubeObject[]): KubeObject {
  const { namespace = '' } = service.metadata;
  const labels = {
    'kubernetes.io/service-name': nameOf(service),
    'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
  };
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${nameOf(service)}-slice`, namespace, labels },
    addressType: 'IPv4',
    ports: portsOf(service),
    endpoints: pods.map((pod) => ({
      addresses: [textAt(pod, 'status', 'podIP')],
      conditions: {
        ready: isReady(pod),
        serving: isReady(pod),
        terminating: pod.metadata.deletionTimestamp !== undefined,
      },
      nodeName: textAt(pod, 'spec', 'nodeName'),
      targetRef: referenceTo(pod),
    })),
  };
}

function endpointsOf(service: KubeObject, pods: readonly KubeObject[]): KubeObject {
  const { namespace = '' } = service.metadata;
  const addresses = (those: readonly KubeObject[]) =>
    those.map((pod) => ({
      ip: textAt(pod, 'status', 'podIP'),
      nodeName: textAt(pod, 'spec', 'nodeName'),
      targetRef: referenceTo(pod),
    }));
  const ready = addresses(pods.filter(isReady));
  const notReady = addresses(pods.filter((pod) => !isReady(pod)));
  const subset = {
    ...(ready.length === 0 ? {} : { addresses: ready }),
    ...(notReady.length === 0 ? {} : { notReadyAddresses: notReady }),
    ports: portsOf(service),
  };
  return {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { name: nameOf(service), namespace },
    subsets: pods.length === 0 ? [] : [subset],
  };
}
