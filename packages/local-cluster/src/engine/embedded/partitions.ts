import type { ResolvedGroups } from '../../faults/partition-groups.ts';

/** Who does not hear whom: the partitions that are in force, of which several may overlap. */
export class Partitions {
  readonly #inForce = new Set<ResolvedGroups>();

  /** Returns what ends it. */
  add(groups: ResolvedGroups): () => void {
    this.#inForce.add(groups);
    return () => void this.#inForce.delete(groups);
  }

  /** Members are servers by their names, `clients` and `control`. */
  separate(one: string, other: string): boolean {
    return [...this.#inForce].some((groups) => areSeparate(groups, one, other));
  }
}

/** Whoever is in no group reaches everybody. */
export function areSeparate({ groupOf }: ResolvedGroups, one: string, other: string): boolean {
  const [groupOfOne, groupOfOther] = [groupOf(one), groupOf(other)];
  return groupOfOne !== undefined && groupOfOther !== undefined && groupOfOne !== groupOfOther;
}
