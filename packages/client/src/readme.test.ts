/** The README and the code say the same, both ways. */
import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  LIBPQ_ADDRESS_VARIABLES,
  LIBPQ_VARIABLES,
  OWN_URL,
  OWN_VARIABLES,
  PLATFORM_URL,
} from './api/environment.ts';
import { SCHOOL_DB_DEFAULTS } from './api/options.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

function source(path: string): string {
  return readFileSync(new URL(path, import.meta.url), 'utf8');
}

function allOf(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].map((match) => match[1] ?? ''))].toSorted();
}

/** What stands under a heading, up to the next one of its rank. */
function section(heading: string): string {
  return new RegExp(`^## ${heading}\n(.*?)^## `, 'ms').exec(readme)?.[1] ?? '';
}

describe('the README', () => {
  it('names each variable that is read', () => {
    const own = [OWN_URL, PLATFORM_URL, ...Object.keys(OWN_VARIABLES)];
    const libpq = { ...LIBPQ_ADDRESS_VARIABLES, ...LIBPQ_VARIABLES };
    const rows = section('Where options come from').replace(/^[^|].*$/gm, '');
    const named = allOf(rows, /`((?:PG|SCHOOLDB_|DATABASE_)[A-Z_]+)`/g);
    expect(named).toEqual([...own, ...Object.keys(libpq)].toSorted());
    expect(allOf(rows, /`([a-z_]+)`/g)).toEqual(expect.arrayContaining(Object.values(libpq)));
  });

  it('names each option', () => {
    const options = allOf(source('./api/options.ts'), /^ {2}readonly (\w+)\??: /gm);
    const named = allOf(section('Options'), /(?<=^\|[^|]*)`(\w+)(?:\.\w+)?`/gm);
    expect(named).toEqual(options);
  });

  it('names each option that has a default, with that default', () => {
    const rows = [...readme.matchAll(/^\| `(\w+)`\s*\| `?'?([\w]+)'?`?\s*\|/gm)].map(([, name, value]) => [
      name,
      value,
    ]);
    const documented = Object.fromEntries(rows.filter(([name = '']) => name in SCHOOL_DB_DEFAULTS));
    const actual = Object.entries(SCHOOL_DB_DEFAULTS).map(([name, value]) => [
      name,
      Array.isArray(value) ? 'none' : String(value),
    ]);
    expect(documented).toEqual(Object.fromEntries(actual));
  });

  it('names each error code that there is', () => {
    const files = readdirSync(new URL('./errors/', import.meta.url));
    const codes = files.flatMap((file) => allOf(source(`./errors/${file}`), /code = '(SCHOOLDB_\w+)'/g));
    expect(allOf(section('Errors'), /`(SCHOOLDB_\w+)`/g)).toEqual(codes.toSorted());
    expect(allOf(source('./errors/base.ts'), /'(SCHOOLDB_\w+)'/g)).toEqual(codes.toSorted());
  });

  it('names each event that there is', () => {
    const events = allOf(source('./endpoint/client-events.ts'), /^ {2}'?([\w:-]+)'?: \{/gm);
    expect(allOf(readme, /(?<=^\|.*)`((?:[a-z-]+:[a-z-]+|clusterReplaced|splitBrain))`/gm)).toEqual(events);
  });
});
