import { OVER_AT_ONCE, type ApplyFault } from './effect.ts';

/** A planned change of the primary, without a delay. It ends by itself; undo does nothing. */
export const switchover: ApplyFault = async ({ engine }, _options, announce) => {
  await engine.switchover(announce);
  return OVER_AT_ONCE;
};
