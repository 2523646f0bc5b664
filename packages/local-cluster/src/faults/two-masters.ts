import { ClusterError } from '../errors.ts';
import { seededRandom } from '../random.ts';
import type { SecondBackend } from '../virtual-ip/second-backend.ts';
import type { ApplyFault, FaultScene } from './effect.ts';
import type { FaultOptions } from './fault.ts';

export const TWO_MASTERS_DEFAULTS = { other: 'standby', choice: 'turns', seed: 1 } as const;

/**
 * The master address leads to the primary and to another backend, as in the aftermath of a failover
 * while the old primary still wears its label: each new connection is given to either. Without a primary
 * all go to the other one. Undo leaves the rule by role alone, and resets what the black hole has
 * swallowed; connections to servers stay open.
 */
export const twoMasters: ApplyFault = async (scene, options, announce, id) => {
  const second = secondBackend(scene, options);
  const master = scene.virtualIp('master');
  announce(master.kind);
  await master.addSecond(id, second);
  return { undo: () => master.removeSecond(id) };
};

function secondBackend({ engine }: FaultScene, options: FaultOptions): SecondBackend {
  const { other, choice, seed } = { ...TWO_MASTERS_DEFAULTS, ...options };
  const random = choice === 'random' ? seededRandom(seed) : undefined;
  if (other !== 'standby') return { destination: () => ({ does: other, name: other }), random };
  if (engine.servers.length < 2) {
    throw new ClusterError(
      'fault-failed',
      "two-masters: other 'standby' needs a second server; start with replicas of 1 or more, or choose 'blackhole' or 'refuse'",
    );
  }
  return {
    // Asked for each connection: who the demoted server is changes with the next failover.
    destination: () => {
      const backend = engine.demoted();
      return backend === undefined ? undefined : { does: 'serve', name: backend.name, backend };
    },
    random,
  };
}
