/** The lab.yaml with another number of instances: nothing else in it moves, comments and spaces included. Pure. */
import { isScalar, parseDocument } from 'yaml';
import { SPARE_SENDERS } from '../../config/checks/cluster.ts';
import type { Lab } from '../../config/lab.ts';

export interface LabEdit {
  readonly text: string;
  readonly changes: readonly LabChange[];
}

export interface LabChange {
  readonly path: string;
  readonly before: number;
  readonly after: number;
}

/**
 * Senders and slots are raised to what the instances need, and never lowered: that would cost a restart and gain nothing.
 *
 * @param text - of a lab that is right.
 */
export function withInstances(text: string, { cluster }: Lab, instances: number): LabEdit {
  const { max_wal_senders: senders, max_replication_slots: slots } = cluster.parameters;
  const needed = instances + SPARE_SENDERS;
  const wanted: LabChange[] = [
    { path: 'cluster.instances', before: cluster.instances, after: instances },
    { path: 'cluster.parameters.max_wal_senders', before: senders, after: Math.max(senders, needed) },
    { path: 'cluster.parameters.max_replication_slots', before: slots, after: Math.max(slots, needed) },
  ];
  const changes = wanted.filter(({ before, after }) => before !== after);
  const document = parseDocument(text);
  const places = changes.map(({ path, after }) => {
    const node = document.getIn(path.split('.'), true);
    if (!isScalar(node) || node.range == null) throw new TypeError(`${path} has no place of its own`);
    const [from, to] = node.range;
    return { from, to, after };
  });
  const edited = places
    .toSorted((a, b) => b.from - a.from)
    .reduce((whole, { from, to, after }) => `${whole.slice(0, from)}${after}${whole.slice(to)}`, text);
  return { text: edited, changes };
}
