import type { ApplyFault } from './effect.ts';

/**
 * SIGSTOP for the primary's whole process tree: its kernel goes on accepting connections, nothing is
 * answered. Undo: where nobody was promoted yet it goes on; after a promotion it is killed and
 * cloned anew, it never wakes up as a second primary.
 */
export const freezePrimary: ApplyFault = ({ engine }, _options, announce) => engine.freezePrimary(announce);
