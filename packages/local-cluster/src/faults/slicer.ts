import type { ApplyFault } from './effect.ts';
import { strikeNetwork } from './network.ts';

const SLICER_DEFAULTS = { sliceBytes: 16, pauseMs: 1 } as const;

/**
 * Everything arrives in pieces of at most `sliceBytes`, each written by itself and `pauseMs` after the
 * one before, in each direction concerned. With a pause of 0 the kernel may put pieces together again.
 * Undo lets the rest arrive in one piece.
 */
export const slicer: ApplyFault = (scene, options, announce, id) =>
  strikeNetwork(scene, options, announce, id, {
    name: 'slicer',
    direction: options.direction ?? 'both',
    sliceBytes: options.sliceBytes ?? SLICER_DEFAULTS.sliceBytes,
    pauseMs: options.pauseMs ?? SLICER_DEFAULTS.pauseMs,
  });
