import type { ApplyFault } from './effect.ts';
import { strikeNetwork } from './network.ts';

const BANDWIDTH_DEFAULTS = { bytesPerSecond: 100_000 } as const;

/**
 * Each connection gets so many bytes a second through, in each direction concerned, TLS included. What
 * comes faster waits, up to 1 MiB; then the sender waits. Of several such faults the narrowest counts.
 * Undo lets everything that waits arrive at once.
 */
export const bandwidth: ApplyFault = (scene, options, announce, id) =>
  strikeNetwork(scene, options, announce, id, {
    name: 'bandwidth',
    direction: options.direction ?? 'both',
    bytesPerSecond: options.bytesPerSecond ?? BANDWIDTH_DEFAULTS.bytesPerSecond,
  });
