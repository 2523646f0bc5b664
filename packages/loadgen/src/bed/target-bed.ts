import type { Target } from '../drivers/target.ts';
import { observing, watching } from './bed.ts';
import type { Bed } from './bed.ts';
import { openMaster } from './open-master.ts';

/**
 * A database that somebody else runs: it is loaded and observed, never broken.
 *
 * @throws TargetError when it cannot be reached.
 */
export async function targetBed(target: Target): Promise<Bed> {
  (await openMaster(target)).destroy();
  const { master, replica, database } = target;
  const replicaPart = replica === null ? '' : `, replica ${replica.host}:${replica.port}`;
  return {
    description: `${database} at ${master.host}:${master.port}${replicaPart}`,
    target,
    servers: [
      { name: 'master', connection: watching(observing(target)) },
      ...(replica === null
        ? []
        : [{ name: 'replica', connection: watching({ ...observing(target), address: replica }) }]),
    ],
    cluster: null,
    synchronous: false,
    close: async () => {},
  };
}
