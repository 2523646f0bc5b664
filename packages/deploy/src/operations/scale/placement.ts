/** Whether the scheduler will find places for more instances, by its own rules. Pure. */
import type { Shortage } from '../../errors/operation-failure.ts';
import type { Member } from '../members.ts';
import type { NodeCapacity, Resources } from '../node-capacity.ts';

interface Place {
  readonly node: string;
  free: { cpu: number; memory: number };
  members: number;
}

/**
 * Instances are spread: a node may have one more than the emptiest, and whoever finds no room there waits for ever
 * (topologySpreadConstraints, DoNotSchedule).
 *
 * @param each - what an instance requests.
 * @returns what is short at the first instance that finds no place; undefined where all do.
 */
export function shortageFor(
  more: number,
  each: Resources,
  nodes: readonly NodeCapacity[],
  members: readonly Member[],
): Shortage | undefined {
  const places: Place[] = nodes
    .filter(({ isOpen }) => isOpen)
    .map(({ node, free }) => ({
      node,
      free: { ...free },
      members: members.filter((member) => member.node === node).length,
    }));
  for (let placed = 0; placed < more; placed += 1) {
    const least = Math.min(...places.map((place) => place.members));
    const allowed = places.filter((place) => place.members === least);
    const place = allowed.find(({ free }) => free.cpu >= each.cpu && free.memory >= each.memory);
    if (place === undefined) return shortage(placed, each, allowed);
    place.members += 1;
    place.free.cpu -= each.cpu;
    place.free.memory -= each.memory;
  }
  return undefined;
}

function shortage(placed: number, each: Resources, places: readonly Place[]): Shortage {
  // The one with most memory stands for all of them.
  const [best] = places.toSorted((a, b) => b.free.memory - a.free.memory);
  if (best === undefined) return { what: 'nodes', node: '', needed: 0, free: 0, placed };
  const what = best.free.memory < each.memory ? 'memory' : 'cpu';
  return { what, node: best.node, needed: each[what], free: best.free[what], placed };
}
