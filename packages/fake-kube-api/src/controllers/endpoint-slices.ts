import { at, recordsAt, sameJson, stringsAt, textAt } from '../objects/json.ts';
import { nameOf, type KubeObject } from '../objects/kube-object.ts';
import type { Cluster } from './cluster.ts';
import type { Controller } from './controller.ts';
import { isReady } from './workloads/pods.ts';

/** Keeps one EndpointSlice for each service with a selector: the addresses of its pods. */
export const endpointSlices: Controller = {
  name: 'endpointslice-controller',
  reconcile(cluster) {
    for (const service of cluster.list('v1', 'Service')) {
      const selector = Object.entries(stringsAt(service, 'spec', 'selector'));
      if (selector.length === 0) continue;
      const pods = cluster.list('v1', 'Pod', service.metadata.namespace);
      const mine = pods.filter(({ metadata }) =>
        selector.every(([key, value]) => metadata.labels?.[key] === value),
      );
      write(cluster, service, mine);
    }
  },
};

function write(cluster: Cluster, service: KubeObject, pods: readonly KubeObject[]): void {
  const name = `${nameOf(service)}-fake`;
  const namespace = service.metadata.namespace ?? '';
  const endpoints = pods.flatMap((pod) => {
    const address = textAt(pod, 'status', 'podIP');
    if (address === undefined) return [];
    const ready = isReady(pod);
    return {
      addresses: [address],
      conditions: { ready, serving: ready, terminating: pod.metadata.deletionTimestamp !== undefined },
      nodeName: textAt(pod, 'spec', 'nodeName'),
      targetRef: { kind: 'Pod', name: nameOf(pod), namespace, uid: pod.metadata.uid },
    };
  });
  const ports = recordsAt(service, 'spec', 'ports').map(({ name: portName = '', port, protocol }) => ({
    name: portName,
    port,
    protocol,
  }));
  cluster.ensure(
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        name,
        namespace,
        labels: {
          'kubernetes.io/service-name': nameOf(service),
          'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
        },
      },
      addressType: 'IPv4',
      endpoints,
      ports,
    },
    service,
  );
  const slice = cluster.get('discovery.k8s.io/v1', 'EndpointSlice', namespace, name);
  if (slice === undefined || sameJson(at(slice, 'endpoints') ?? [], JSON.parse(JSON.stringify(endpoints))))
    return;
  cluster.patch(slice, { endpoints });
}
