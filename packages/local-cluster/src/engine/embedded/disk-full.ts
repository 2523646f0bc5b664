import { ClusterError } from '../../errors.ts';
import type { FaultOptions } from '../../faults/fault.ts';
import type { Announce, Effect } from '../engine.ts';
import type { Member } from './member.ts';
import type { StandbyScene } from './standby-faults.ts';

/** Not a block is left for a server's data. `afterwards` sees to it once there is room again. */
export async function diskFull(
  { members, primary }: StandbyScene,
  { server = 'primary' }: FaultOptions,
  announce: Announce,
  afterwards: (member: Member) => Promise<void>,
): Promise<Effect> {
  const name = server === 'primary' ? primary.name : server;
  const member = members.find((each) => each.name === name);
  if (member === undefined) {
    const known = members.map((each) => each.name).join(', ');
    throw new ClusterError('fault-failed', `disk-full: there is no server ${name} (servers: ${known})`);
  }
  const { disk } = member.server;
  if (disk === undefined) {
    throw new ClusterError(
      'fault-failed',
      'disk-full: the data lies on the disk of dataDirectory, which belongs to others as well: start the cluster with diskMb (--disk 512)',
    );
  }
  if (disk.full) {
    throw new ClusterError('fault-failed', `disk-full: the disk of ${name} is full already; undo that first`);
  }
  announce(name);
  await disk.fill();
  return {
    undo: async () => {
      await disk.free();
      await afterwards(member);
    },
  };
}
