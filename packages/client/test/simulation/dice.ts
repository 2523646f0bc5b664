/**
 * Chance from a seed: the same seed gives the same numbers on every machine. Everything random in the simulation
 * comes from here, so that a schedule can be repeated from its seed alone.
 */
export class Dice {
  #state: number;

  /** @param seed - any integer. */
  constructor(seed: number) {
    this.#state = seed | 0;
    // Neighbouring seeds would otherwise begin alike.
    for (let round = 0; round < 4; round += 1) this.next();
  }

  /** A number from 0 (included) to 1 (excluded); mulberry32, which is public domain arithmetic. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** An integer from `min` to `max`, both included. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  /** A number between the two. */
  between(min: number, max: number): number {
    return min + this.next() * (max - min);
  }

  chance(ratio: number): boolean {
    return this.next() < ratio;
  }

  pick<T>(from: readonly T[]): T {
    const picked = from[Math.floor(this.next() * from.length)];
    if (picked === undefined) throw new Error('nothing to pick from');
    return picked;
  }

  /** One of the names, as often as its weight says. */
  weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name {
    const entries = Object.entries<number>(weights) as [Name, number][];
    let left = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [name, weight] of entries) {
      left -= weight;
      if (left < 0) return name;
    }
    return this.pick(entries)[0];
  }

  /** Dice of their own: what they are asked for does not change what these say next. */
  fork(): Dice {
    return new Dice(Math.floor(this.next() * 4_294_967_296));
  }

  /** A UUID, for slots. */
  uuid(): string {
    const hex = (digits: number) =>
      Math.floor(this.next() * 16 ** digits)
        .toString(16)
        .padStart(digits, '0');
    return `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(6)}${hex(6)}`;
  }
}
