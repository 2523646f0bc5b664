/**
 * Whether the machines can carry the cluster, by what the lab says of them. The scheduler goes by requests, and instances
 * are spread evenly, so each node must have room for its share. What a node really has free is asked of the API server
 * before anything is applied; this finds the labs that could never work.
 */
import type { LabDraft } from '../lab.ts';
import { problem } from '../problem.ts';
import type { Problem } from '../problem.ts';
import { memoryText, parseCpu, parseMemory } from '../quantity.ts';

/** What K3s itself needs, by its own documentation, with some room for MetalLB, the operator and the system. */
const RESERVED = {
  server: { memory: 2 * 1024 ** 3, cpu: 750 },
  agent: { memory: 1024 ** 3, cpu: 350 },
} as const;

interface Node {
  readonly name: string;
  readonly role: keyof typeof RESERVED;
  readonly memory: number;
  readonly cpu: number;
}

export function checkCapacity(draft: LabDraft): Problem[] {
  const nodes = nodesOf(draft);
  const { instances, resources, pooler } = draft.cluster ?? {};
  if (nodes === undefined || instances === undefined || pooler?.instances === undefined) return [];
  // One pooler in front of the primary, one in front of the standbys.
  const poolers = 2 * pooler.instances;
  const share = {
    instances: Math.ceil(instances / nodes.length),
    poolers: Math.ceil(poolers / nodes.length),
  };
  const kinds = [
    { kind: 'memory', code: 'memory-short', parse: parseMemory, say: memoryText },
    { kind: 'cpu', code: 'cpu-short', parse: parseCpu, say: (cpu: number) => `${cpu}m` },
  ] as const;
  return kinds.flatMap(({ kind, code, parse, say }) => {
    const instance = parse(resources?.requests?.[kind] ?? '');
    const proxy = parse(pooler.resources?.requests?.[kind] ?? '');
    if (instance === undefined || proxy === undefined) return [];
    const needed = share.instances * instance + share.poolers * proxy;
    // The one with the least room stands for all: one sentence, not twenty.
    const [tightest] = nodes.toSorted((a, b) => freeOf(a, kind) - freeOf(b, kind));
    if (tightest === undefined || needed <= freeOf(tightest, kind)) return [];
    return [
      problem(code, ['cluster', 'instances'], {
        host: tightest.name,
        instances,
        poolers,
        needed: say(needed),
        free: say(Math.max(0, freeOf(tightest, kind))),
        has: say(tightest[kind]),
      }),
    ];
  });
}

function freeOf(node: Node, kind: 'memory' | 'cpu'): number {
  return node[kind] - RESERVED[node.role][kind];
}

/** Nothing where one of them cannot be read: it may be the one with room. */
function nodesOf(draft: LabDraft): readonly Node[] | undefined {
  const nodes: Node[] = [];
  for (const [name, host] of Object.entries(draft.hosts ?? {})) {
    const memory = parseMemory(host?.memory ?? '');
    if (host?.role === undefined || host.cpus === undefined || memory === undefined) return undefined;
    if (host.role !== 'services') nodes.push({ name, role: host.role, memory, cpu: host.cpus * 1000 });
  }
  return nodes.length === 0 ? undefined : nodes;
}
