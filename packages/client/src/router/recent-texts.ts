/** All texts together may have this many characters: what an app makes up anew for each call is not kept at length. */
const MAX_CHARACTERS = 4_000_000;

/** What is known of texts: of the `limit` that were asked for last, as long as they are not too long together. */
export class RecentTexts<Value> {
  readonly #limit: number;
  readonly #values = new Map<string, Value>();
  #characters = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#values.size;
  }

  get(text: string): Value | undefined {
    const value = this.#values.get(text);
    if (value === undefined) return undefined;
    // A map keeps the order of insertion: its first entry is the one that nobody asked for in the longest time.
    this.#values.delete(text);
    this.#values.set(text, value);
    return value;
  }

  set(text: string, value: Value): void {
    this.delete(text);
    this.#values.set(text, value);
    this.#characters += text.length;
    for (const oldest of this.#values.keys()) {
      if (this.#values.size <= this.#limit && this.#characters <= MAX_CHARACTERS) break;
      this.delete(oldest);
    }
  }

  delete(text: string): void {
    if (this.#values.delete(text)) this.#characters -= text.length;
  }
}
