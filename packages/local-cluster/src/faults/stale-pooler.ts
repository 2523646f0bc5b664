import type { ServerAddress } from '../cluster.ts';
import { ClusterError } from '../errors.ts';
import type { ApplyFault, FaultScene } from './effect.ts';

/**
 * The PgBouncer of the master pooler stays on one server, whatever the roles do: on the demoted one, or
 * on the one that is primary now, until it is demoted. Its clients stay connected; from their next
 * transaction on they get that server. Undo sends it back to the master address.
 */
export const stalePooler: ApplyFault = async (scene, { server = 'demoted' }, announce, id) => {
  const pooler = scene.pooler('masterPooler');
  const stale = staleServer(scene, server);
  announce('masterPooler', `stays on ${stale.name}`);
  await pooler.pin(id, stale);
  return { undo: () => pooler.unpin(id) };
};

function staleServer({ engine }: FaultScene, server: string): ServerAddress {
  const stale = server === 'primary' ? engine.backends('primary')[0] : engine.demoted();
  if (stale !== undefined) return stale;
  throw new ClusterError(
    'fault-failed',
    server === 'primary'
      ? 'stale-pooler: there is no primary right now; wait until one is promoted'
      : 'stale-pooler: there is no second server that the pooler could stay on; start with replicas of 1 or more',
  );
}
