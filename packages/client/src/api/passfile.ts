import type { Address } from '../endpoint/address-order.ts';

/** Whose password is looked for. */
export interface Login {
  readonly database: string;
  readonly user: string;
}

/**
 * The password of the first line that fits, in a file of lines `host:port:database:user:password` (PostgreSQL manual,
 * "The Password File"): `*` fits everything, a backslash escapes `:` and itself.
 *
 * @returns an empty text where no line fits.
 */
export function passwordFor({ host, port, database, user }: Address & Login, lines: string): string {
  for (const line of lines.split(/\r?\n/)) {
    if (line.startsWith('#')) continue;
    const [password, ...fields] = fieldsOf(line).toReversed();
    const wanted = [user, database, String(port), host];
    if (fields.length !== wanted.length) continue;
    if (fields.every((field, index) => field === '*' || unescaped(field) === wanted[index])) {
      return unescaped(password ?? '');
    }
  }
  return '';
}

/** The last of the five is all the rest of the line. */
function fieldsOf(line: string): string[] {
  const [, ...fields] =
    /^((?:\\.|[^:\\])*):((?:\\.|[^:\\])*):((?:\\.|[^:\\])*):((?:\\.|[^:\\])*):(.*)$/.exec(line) ?? [];
  return fields;
}

function unescaped(field: string): string {
  return field.replace(/\\(.)/g, '$1');
}
