import leven from 'leven';
import { InvalidOptionsError } from '../errors/option-errors.ts';

/** Throws for a key that is not allowed, with the nearest one that is. */
export function checkKeys(where: string, given: object, allowed: readonly string[]): void {
  for (const key of Object.keys(given)) {
    if (allowed.includes(key)) continue;
    throw new InvalidOptionsError(
      `${where}: unknown option '${key}'.${nearestHint(key, allowed)} Allowed are ${allowed.join(', ')}`,
    );
  }
}

/** What was probably meant, where anything is near. */
export function nearestHint(given: string, allowed: readonly string[]): string {
  const nearest = allowed.toSorted((a, b) => leven(a, given) - leven(b, given))[0] ?? '';
  return leven(nearest, given) <= Math.max(2, given.length / 2) ? ` Did you mean '${nearest}'?` : '';
}

export function checkObject(name: string, value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  // A text in the place of an object may be a secret that was put there by mistake.
  const shown = describe(value);
  throw new InvalidOptionsError(
    `${name} must be an object, but is ${shown.startsWith('the text') ? 'a text' : shown}`,
  );
}

export function checkText(name: string, value: unknown, maxLength = Infinity): string {
  if (typeof value === 'string' && value.length > maxLength) {
    throw new InvalidOptionsError(
      `${name} must have at most ${maxLength} characters, but has ${value.length}`,
    );
  }
  if (typeof value === 'string' && value !== '') return value;
  throw new InvalidOptionsError(`${name} must be a text that is not empty, but is ${describe(value)}`);
}

export function checkInteger(name: string, value: unknown, min: number, max: number): number {
  if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return value as number;
  throw new InvalidOptionsError(
    `${name} must be a whole number from ${min} to ${max}, but is ${describe(value)}`,
  );
}

export function checkOneOf<T extends string>(name: string, value: unknown, allowed: readonly T[]): T {
  if (allowed.includes(value as T)) return value as T;
  throw new InvalidOptionsError(`${name} must be one of ${allowed.join(', ')}, but is ${describe(value)}`);
}

export function checkBoolean(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw new InvalidOptionsError(`${name} must be true or false, but is ${describe(value)}`);
}

export function checkNames(name: string, value: unknown): readonly string[] {
  if (!Array.isArray(value))
    throw new InvalidOptionsError(`${name} must be an array, but is ${describe(value)}`);
  return value.map((each, index) => checkText(`${name}[${index}]`, each));
}

export function checkFunction(name: string, value: unknown): void {
  if (typeof value !== 'function')
    throw new InvalidOptionsError(`${name} must be a function, but is ${describe(value)}`);
}

/** Tells a value's kind, and the value itself only where it can be no secret. */
export function describe(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (value === '') return 'empty';
  // A connection string holds a password.
  if (typeof value === 'string')
    return /@|:\/\//.test(value) ? 'a connection string' : `the text '${value.slice(0, 80)}'`;
  return Array.isArray(value) ? 'an array' : `of type ${typeof value}`;
}
