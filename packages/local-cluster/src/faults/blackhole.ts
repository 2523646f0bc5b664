import type { ApplyFault } from './effect.ts';
import { strikeNetwork } from './network.ts';

/**
 * Nothing gets through in the given direction, not even the news that a side has closed; nothing is
 * closed either, and new connections are accepted and stay silent. As on a network that drops packets,
 * where TCP sends them again, undo delivers what was on its way on the connections that are still open.
 */
export const blackhole: ApplyFault = (scene, options, announce, id) =>
  strikeNetwork(scene, options, announce, id, { name: 'blackhole', direction: options.direction ?? 'both' });
