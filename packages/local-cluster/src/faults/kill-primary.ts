import type { ApplyFault } from './effect.ts';

/**
 * SIGKILL for the primary's whole process tree. Undo: where nobody was promoted yet it is started
 * again, with crash recovery; after a promotion it comes back by itself, as a standby cloned anew.
 */
export const killPrimary: ApplyFault = ({ engine }, _options, announce) => engine.killPrimary(announce);
