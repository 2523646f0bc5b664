/** Nobody waits longer without a word. */
const SILENCE_MS = 1_000;

/**
 * Says that it takes its time, whenever nothing was heard for a second; once, until the next is heard.
 *
 * @param act - gets `heard`, to be called with each word.
 */
export async function patiently<T>(say: () => void, act: (heard: () => void) => Promise<T>): Promise<T> {
  const silence = setTimeout(say, SILENCE_MS);
  try {
    return await act(() => silence.refresh());
  } finally {
    clearTimeout(silence);
  }
}
