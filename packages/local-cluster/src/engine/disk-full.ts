import { ClusterError } from '../errors.ts';
import type { FaultOptions } from '../faults/fault.ts';
import type { DataDisk } from './data-disk.ts';
import type { Announce, Effect } from './engine.ts';

interface DiskOwner {
  readonly name: string;
  readonly disk: DataDisk | undefined;
}

/** Not a block is left for a server's data. `afterwards` sees to it once there is room again. */
export async function diskFull<Server extends DiskOwner>(
  servers: readonly Server[],
  primary: string,
  { server = 'primary' }: FaultOptions,
  announce: Announce,
  afterwards: (server: Server) => Promise<void>,
): Promise<Effect> {
  const name = server === 'primary' ? primary : server;
  const owner = servers.find((each) => each.name === name);
  if (owner === undefined) {
    const known = servers.map((each) => each.name).join(', ');
    throw new ClusterError('fault-failed', `disk-full: there is no server ${name} (servers: ${known})`);
  }
  const { disk } = owner;
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
      await afterwards(owner);
    },
  };
}
