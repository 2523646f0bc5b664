/** Numbers from 0 up to 1, the same ones for the same seed: a 32-bit xorshift, more than enough to choose backends. */
export function seededRandom(seed: number): () => number {
  // Spread over all bits, since neighbouring seeds would begin alike; zero would stay zero.
  let state = Math.imul((seed >>> 0) ^ 0x9e3779b9, 0x85ebca6b) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}
