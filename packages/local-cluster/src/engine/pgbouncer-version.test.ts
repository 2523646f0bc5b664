import { describe, expect, it } from 'vitest';
import { knowsNamedStatements, parsePgbouncerVersion, pgbouncerVersion } from './pgbouncer-version.ts';

describe('the version of PgBouncer', () => {
  it.each([
    ['PgBouncer 1.18.0\nlibevent 2.1.12-stable\n', { major: 1, minor: 18 }, false],
    ['PgBouncer 1.21.0\n', { major: 1, minor: 21 }, true],
    ['PgBouncer version 1.9.0\n', { major: 1, minor: 9 }, false],
    ['PgBouncer 2.0.1\n', { major: 2, minor: 0 }, true],
  ])('is read from %j', (output, version, named) => {
    expect(parsePgbouncerVersion(output)).toEqual(version);
    expect(knowsNamedStatements(version)).toBe(named);
  });

  it('is asked of a program that has one', async () => {
    expect(parsePgbouncerVersion('usage: something')).toBeUndefined();
    await expect(pgbouncerVersion('/nowhere/pgbouncer')).rejects.toThrow(
      /^\/nowhere\/pgbouncer does not tell its version: .*ENOENT/,
    );
  });
});
