/** A number from 0 (included) to 1 (excluded). Passed in, so that tests can repeat a run from its seed. */
export type Random = () => number;

export const systemRandom: Random = Math.random;
