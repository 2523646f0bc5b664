import leven from 'leven';

/** The known name that was probably meant, if any comes close. */
export function nearest(given: string, known: readonly string[]): string | undefined {
  const [best] = known.toSorted((a, b) => leven(a, given) - leven(b, given));
  return best !== undefined && leven(best, given) <= Math.max(2, given.length / 2) ? best : undefined;
}
