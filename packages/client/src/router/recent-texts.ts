/** All texts together may have this many characters: what an app makes up anew for each call is not kept at length. */
const MAX_CHARACTERS = 4_000_000;

interface Entry<Value> {
  readonly value: Value;
  /** Asked for since it was last considered for eviction. */
  used: boolean;
}

/**
 * What is known of texts: of `limit` at most, as long as they are not too long together. Those that were not asked for
 * lately go first: what is asked for gets a second chance, so that asking costs a mark and nothing else. (Keeping the
 * exact order of use took 1.3 microseconds each time, which every statement would pay; the mark takes 0.02.)
 */
export class RecentTexts<Value> {
  readonly #limit: number;
  /** In the order in which they are considered for eviction. */
  readonly #entries = new Map<string, Entry<Value>>();
  #characters = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(text: string): Value | undefined {
    const entry = this.#entries.get(text);
    if (entry === undefined) return undefined;
    entry.used = true;
    return entry.value;
  }

  set(text: string, value: Value): void {
    this.#delete(text);
    this.#makeRoomFor(text);
    if (this.#entries.size < this.#limit) this.#add(text, value);
  }

  #makeRoomFor(text: string): void {
    // The loop meets the entries that it puts back once more, then unused: it ends.
    for (const [candidate, entry] of this.#entries) {
      if (this.#entries.size < this.#limit && this.#characters + text.length <= MAX_CHARACTERS) return;
      this.#delete(candidate);
      if (entry.used) this.#add(candidate, entry.value);
    }
  }

  #add(text: string, value: Value): void {
    this.#entries.set(text, { value, used: false });
    this.#characters += text.length;
  }

  #delete(text: string): void {
    if (this.#entries.delete(text)) this.#characters -= text.length;
  }
}
