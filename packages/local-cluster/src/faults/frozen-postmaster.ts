import type { ApplyFault } from './effect.ts';

/**
 * SIGSTOP for the primary's postmaster alone: open connections go on answering and standbys go on
 * streaming, new connections are accepted by the kernel and hang. Nobody is promoted for it, as Patroni
 * would not: its own connection goes on answering. Undo lets the postmaster go on, and it serves those
 * who have waited.
 */
export const frozenPostmaster: ApplyFault = ({ engine }, _options, announce) =>
  engine.freezePostmaster(announce);
