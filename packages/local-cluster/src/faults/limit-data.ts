import type { ApplyFault } from './effect.ts';
import { strikeNetwork } from './network.ts';

const LIMIT_DATA_DEFAULTS = { limitBytes: 4_096 } as const;

/**
 * Once so many bytes have passed in one direction concerned, TLS included, the connection is closed in
 * order: both sides see an end, as with toxiproxy. Open connections are counted from the moment of the
 * fault, new ones from their first byte; a limit of 0 closes at the first byte, which doesn't pass.
 * Undo brings none of them back.
 */
export const limitData: ApplyFault = (scene, options, announce, id) =>
  strikeNetwork(scene, options, announce, id, {
    name: 'limit_data',
    direction: options.direction ?? 'both',
    limitBytes: options.limitBytes ?? LIMIT_DATA_DEFAULTS.limitBytes,
  });
