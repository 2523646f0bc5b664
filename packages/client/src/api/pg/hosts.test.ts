import { afterEach, describe, expect, it } from 'vitest';
import { InvalidOptionsError } from '../../errors/option-errors.ts';
import { configOf } from './client.ts';
import { addressesOf, readable, takesAnyServer } from './hosts.ts';

function addresses(config: Parameters<typeof configOf>[0]) {
  const { host = '', port = 0 } = configOf(config);
  return addressesOf(readable(config), { host, port });
}

afterEach(() => {
  delete process.env['PGHOST'];
  delete process.env['PGPORT'];
  delete process.env['PGTARGETSESSIONATTRS'];
});

describe('addressesOf', () => {
  it.each([
    ['postgres://u:p@db:6000/school', ['db:6000']],
    ['postgres://u:p@a:1,b:2/school', ['a:1', 'b:2']],
    ['postgres://u:p@a,b:2,c/school?application_name=x', ['a:5432', 'b:2', 'c:5432']],
    ['postgresql://a:1,[::1]:2', ['a:1', '::1:2']],
    ['postgres:///school?host=a,b&port=1,2', ['a:1', 'b:2']],
    ['postgres:///school?host=a,b&port=7', ['a:7', 'b:7']],
    ['/var/run/postgresql school', ['/var/run/postgresql:5432']],
  ])('reads %s', (text, expected) => {
    const shown = (config: string | { connectionString: string }) =>
      addresses(config).map(({ host, port }) => `${host}:${port}`);
    expect(shown(text)).toEqual(expected);
    expect(shown({ connectionString: text })).toEqual(expected);
  });

  it('keeps what else a connection string says', () => {
    const config = configOf('postgres://u:p%40q@a:1,b:2/school?application_name=x');
    expect(config).toMatchObject({ user: 'u', password: 'p@q', database: 'school', application_name: 'x' });
  });

  it('reads options and the environment', () => {
    expect(addresses({ host: 'a, b' })).toEqual([
      { host: 'a', port: 5432 },
      { host: 'b', port: 5432 },
    ]);
    process.env['PGHOST'] = 'c,d';
    process.env['PGPORT'] = '1,';
    expect(addresses(undefined)).toEqual([
      { host: 'c', port: 1 },
      { host: 'd', port: 5432 },
    ]);
  });

  it('refuses ports that fit to no hosts, and says what fits', () => {
    const text = 'postgres:///school?host=a,b,c&port=1,2';
    expect(() => addresses(text)).toThrow(InvalidOptionsError);
    expect(() => addresses(text)).toThrow(
      "'port' must be one for all hosts, or one for each of the 3, but names 2",
    );
    expect(() => addresses('postgres:///school?host=a,b&port=1,x')).toThrow(
      "'port' must list numbers from 1 to 65535, but holds 'x'",
    );
  });
});

describe('takesAnyServer', () => {
  it.each([
    [undefined, false],
    ['postgres://db/school', false],
    ['postgres://db/school?target_session_attrs=read-write', false],
    ['postgres://db/school?target_session_attrs=primary', false],
    ['postgres://db/school?target_session_attrs=any', true],
    [{ connectionString: 'postgres://db/school?target_session_attrs=prefer-standby' }, true],
    [{ host: 'db', target_session_attrs: 'standby' }, true],
  ])('%j: %s', (config, expected) => {
    expect(takesAnyServer(config)).toBe(expected);
  });

  it('reads the environment', () => {
    process.env['PGTARGETSESSIONATTRS'] = 'any';
    expect(takesAnyServer({})).toBe(true);
  });
});
