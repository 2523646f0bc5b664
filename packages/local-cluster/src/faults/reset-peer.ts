import type { ApplyFault } from './effect.ts';
import { strikeNetwork } from './network.ts';

/** Open connections are reset, new ones right after they were accepted. Undo brings none of them back. */
export const resetPeer: ApplyFault = (scene, options, announce, id) =>
  strikeNetwork(scene, options, announce, id, { name: 'reset_peer' });
