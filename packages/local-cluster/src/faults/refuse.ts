import type { ApplyFault } from './effect.ts';
import { strikeNetwork } from './network.ts';

/** New connections are refused by the kernel (ECONNREFUSED); open ones stay, before and after undo. */
export const refuse: ApplyFault = (scene, options, announce, id) =>
  strikeNetwork(scene, options, announce, id, { name: 'refuse' });
