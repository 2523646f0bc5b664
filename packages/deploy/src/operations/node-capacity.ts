/** What the nodes have, and what the pods on them have asked for: by that the scheduler goes, not by what is used. */
import type { KubeApi } from '../kube/kube-api.ts';
import { conditionOf, valueAt } from '../kube/live-object.ts';
import type { LiveObject } from '../kube/live-object.ts';
import { quantityOf } from '../kube/quantity.ts';

/** CPUs, and bytes of memory. */
export interface Resources {
  readonly cpu: number;
  readonly memory: number;
}

export interface NodeCapacity {
  readonly node: string;
  readonly isReady: boolean;
  /** New pods may come here: it is ready, and nobody has cordoned it. */
  readonly isOpen: boolean;
  readonly allocatable: Resources;
  readonly requested: Resources;
  readonly free: Resources;
  readonly pods: number;
}

export async function readCapacity(kube: KubeApi): Promise<NodeCapacity[]> {
  const [nodes, pods] = await Promise.all([kube.list('Node'), kube.list('Pod')]);
  return capacityOf(nodes, pods);
}

/** Pure. */
export function capacityOf(nodes: readonly LiveObject[], pods: readonly LiveObject[]): NodeCapacity[] {
  const living = pods.filter((pod) => !ENDED.has(String(valueAt(pod, 'status', 'phase'))));
  return nodes.map((node) => {
    const here = living.filter((pod) => valueAt(pod, 'spec', 'nodeName') === node.metadata.name);
    const allocatable = resourcesIn(valueAt(node, 'status', 'allocatable'));
    const requested = here.map(requestsOf).reduce(plus, NOTHING);
    const isReady = conditionOf(node, 'Ready')?.status === 'True';
    return {
      node: node.metadata.name,
      isReady,
      isOpen: isReady && valueAt(node, 'spec', 'unschedulable') !== true,
      allocatable,
      requested,
      free: {
        cpu: Math.max(0, allocatable.cpu - requested.cpu),
        memory: Math.max(0, allocatable.memory - requested.memory),
      },
      pods: here.length,
    };
  });
}

const ENDED: ReadonlySet<string> = new Set(['Succeeded', 'Failed']);
const NOTHING: Resources = { cpu: 0, memory: 0 };

/** Init containers run one after the other, and before the others: the largest of them counts. */
function requestsOf(pod: LiveObject): Resources {
  const running = containersOf(pod, 'containers').reduce(plus, NOTHING);
  const starting = containersOf(pod, 'initContainers');
  const most = (key: keyof Resources) => Math.max(running[key], ...starting.map((each) => each[key]));
  return plus({ cpu: most('cpu'), memory: most('memory') }, resourcesIn(valueAt(pod, 'spec', 'overhead')));
}

function containersOf(pod: LiveObject, field: string): Resources[] {
  const containers = valueAt(pod, 'spec', field);
  return Array.isArray(containers)
    ? containers.map((each) => resourcesIn(valueAt(each, 'resources', 'requests')))
    : [];
}

export function resourcesIn(value: unknown): Resources {
  return { cpu: quantityOf(valueAt(value, 'cpu')), memory: quantityOf(valueAt(value, 'memory')) };
}

function plus(one: Resources, other: Resources): Resources {
  return { cpu: one.cpu + other.cpu, memory: one.memory + other.memory };
}
