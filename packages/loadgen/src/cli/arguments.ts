import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../options/duration.ts';

/** A parser for a whole number within bounds. */
export function integer(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^-?\d+$/.test(text) || value < least || value > most)
      throw new InvalidArgumentError(`Give a whole number from ${least} to ${most}.`);
    return value;
  };
}

/** A parser for `500ms`, `5s` or `2m`. */
export function duration(least: number): (text: string) => number {
  return (text) => {
    const ms = parseDuration(text);
    if (ms === null) throw new InvalidArgumentError('Give a number and a unit, such as 500ms, 5s or 2m.');
    if (ms < least) throw new InvalidArgumentError(`Give ${least} ms or more.`);
    return ms;
  };
}

/** A parser for names with commas between them, each of one of `known`, which keep their own order. */
export function listOf<Thing extends { readonly name: string }>(
  known: readonly Thing[],
): (text: string) => readonly Thing[] {
  return (text) => {
    const names = text.split(',').map((name) => name.trim());
    const unknown = names.find((name) => !known.some((thing) => thing.name === name));
    if (unknown !== undefined)
      throw new InvalidArgumentError(
        `There is no '${unknown}'. Give one or more of ${namesOf(known)}, with commas.`,
      );
    return known.filter(({ name }) => names.includes(name));
  };
}

export function namesOf(things: readonly { readonly name: string }[]): string {
  return things.map(({ name }) => name).join(', ');
}
