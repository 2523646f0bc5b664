import type { ApplyFault } from './effect.ts';
import { strikeNetwork } from './network.ts';

export const LATENCY_DEFAULTS = { latencyMs: 200, jitterMs: 0 } as const;

/**
 * Each chunk is held back, in each direction concerned: with `both` a round trip takes twice as long.
 * The order stays. After undo, what is on its way still arrives late, what follows does not.
 */
export const latency: ApplyFault = (scene, options, announce, id) =>
  strikeNetwork(scene, options, announce, id, {
    name: 'latency',
    direction: options.direction ?? 'both',
    latencyMs: options.latencyMs ?? LATENCY_DEFAULTS.latencyMs,
    jitterMs: options.jitterMs ?? LATENCY_DEFAULTS.jitterMs,
  });
