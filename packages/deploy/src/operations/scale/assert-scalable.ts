import type { Lab } from '../../config/lab.ts';
import { DeployError } from '../../errors/deploy-error.ts';
import type { KubeApi } from '../../kube/kube-api.ts';
import { valueAt } from '../../kube/live-object.ts';
import { resourceText } from '../../kube/resource.ts';
import { postgresql } from '../../manifests/postgresql.ts';
import { examine } from '../../plan/examine.ts';
import { readMembers } from '../members.ts';
import { readCapacity, resourcesIn } from '../node-capacity.ts';
import { handoverBefore } from './leave.ts';
import { noFiller } from './no-filler.ts';
import { shortageFor } from './placement.ts';

/** What may differ from the lab already: an earlier run was stopped on its way. */
const SCALED: ReadonlySet<string> = new Set([
  'spec.numberOfInstances',
  'spec.postgresql.parameters.max_wal_senders',
  'spec.postgresql.parameters.max_replication_slots',
]);

/**
 * Looks whether the cluster can be brought to this lab, which differs from it in its size alone. Writes nothing.
 *
 * @param lab - with the new number of instances.
 * @returns how many there are to be by now.
 * @throws DeployError that says why not.
 */
export async function assertScalable(kube: KubeApi, lab: Lab): Promise<number> {
  const { plan } = await examine(kube, postgresql(lab), { filler: noFiller(lab), forced: new Set() });
  const resource = resourceText(plan.resource);
  if (plan.action === 'conflict') throw new DeployError({ code: 'conflict', resource, owners: plan.owners });
  if (plan.action === 'refused')
    throw new DeployError({ code: 'kube-refused', resource, status: plan.status, message: plan.message });
  if (plan.action === 'create')
    throw new DeployError({ code: 'other-changes', resource, fields: ['metadata.name'] });
  const fields = plan.action === 'change' ? plan.fields.map(({ path }) => path) : [];
  const others = fields.filter((path) => !SCALED.has(path));
  if (others.length > 0) throw new DeployError({ code: 'other-changes', resource, fields: others });
  const observed = await kube.get(plan.resource);
  const live = observed.state === 'found' ? Number(valueAt(observed.object, 'spec', 'numberOfInstances')) : 0;
  const members = await readMembers(kube, lab);
  const { instances } = lab.cluster;
  // Of those that stay somebody must be able to lead.
  if (instances < live) handoverBefore(members, instances, lab);
  const more = instances - members.length;
  if (more > 0) {
    const each = resourcesIn(lab.cluster.resources.requests);
    const shortage = shortageFor(more, each, await readCapacity(kube), members);
    if (shortage !== undefined) throw new DeployError({ code: 'no-room', shortage, more });
  }
  return live;
}
