import type { FaultOptions } from '../../faults/fault.ts';
import { resolveGroups } from '../../faults/partition-groups.ts';
import type { Announce, Effect } from '../engine.ts';
import { areSeparate } from './partitions.ts';
import type { EmbeddedScene } from './scene.ts';

/**
 * Groups that do not hear each other. A primary in another group than the supervisor is lost to it and
 * lives on: a standby is promoted if those within reach prove that it holds everything acknowledged.
 */
export async function partition(
  scene: EmbeddedScene,
  { groups: given }: FaultOptions,
  announce: Announce,
): Promise<Effect> {
  const primary = scene.requirePrimary('partition');
  const servers = scene.members.map(({ name }) => name);
  const groups = resolveGroups(given, { servers, primary: primary.name });
  announce(groups.text);
  const end = scene.partitions.add(groups);
  const heal = await scene.links.cut((one, other) => areSeparate(groups, one, other));
  await scene.rolesChanged();
  if (scene.reigns(primary) && areSeparate(groups, 'control', primary.name)) {
    scene.beyond.add(primary);
    const vacancy = scene.vacate(primary);
    await scene.reportLoss(primary, `${primary.name} is out of the supervisor's reach`);
    scene.failOver(vacancy);
  }
  return {
    undo: async () => {
      end();
      // Before anybody hears of it again: nobody may take it for the primary that it no longer is.
      await meetAgain(scene);
      await heal();
      await scene.rolesChanged();
      for (const member of scene.members) member.wake();
    },
  };
}

/** Primaries that are within reach again have their role back, or are fenced: killed, and cloned by the tending. */
async function meetAgain(scene: EmbeddedScene): Promise<void> {
  for (const member of scene.beyond) {
    if (scene.partitions.separate('control', member.name)) continue;
    scene.beyond.delete(member);
    if (!(await scene.bringBack(member))) await member.server.kill();
  }
}
