import { OVER_AT_ONCE, type ApplyFault } from './effect.ts';

/** A fast restart of the primary in place. It ends by itself; undo does nothing. */
export const restart: ApplyFault = async ({ engine }, _options, announce) => {
  await engine.restart(announce);
  return OVER_AT_ONCE;
};
