import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readConnectionString } from './connection-string.ts';

function read(value: unknown) {
  const { hosts, ...options } = readConnectionString({ name: 'URL', value });
  const values = Object.entries(options).map(([option, given]) => [option, given.value]);
  return { ...Object.fromEntries(values), ...(hosts === undefined ? {} : { hosts }) } as Record<
    string,
    unknown
  >;
}

function addresses(value: string): string[] {
  const { hosts } = readConnectionString({ name: 'URL', value });
  return hosts?.hosts.map(({ host, port }) => `${host} ${port}`) ?? [];
}

function refusal(value: string): string {
  try {
    readConnectionString({ name: 'URL', value });
  } catch (error) {
    expect(error).toMatchObject({ code: 'SCHOOLDB_INVALID_OPTIONS' });
    return (error as Error).message;
  }
  throw new Error(`accepted: ${value}`);
}

describe('readConnectionString', () => {
  it('reads a URI with everything that it may hold', () => {
    expect(
      read(
        'postgres://app:s%40f%2Fe@h1:5433,h2,[::1]:5434/school?sslmode=verify-full&sslrootcert=%2Fca.pem' +
          '&application_name=a%20b+c&connect_timeout=3&options=-c%20search_path%3Dx&target_session_attrs=primary\n',
      ),
    ).toEqual({
      user: 'app',
      password: 's@f/e',
      database: 'school',
      tls: true,
      tlsCaFile: '/ca.pem',
      applicationName: 'a b+c',
      connectSilenceMs: 3_000,
      startupOptions: '-c search_path=x',
      hosts: {
        name: 'URL',
        primaryOnly: true,
        hosts: [
          { host: 'h1', port: 5433 },
          { host: 'h2', port: 5432 },
          { host: '::1', port: 5434 },
        ],
      },
    });
  });

  it('reads keywords and values, in quotes and with escapes', () => {
    expect(
      read(
        String.raw`host=h1,h2 port = 5433 dbname='my school' user=a\ b password='it\'s \\ = 1' sslmode=disable`,
      ),
    ).toEqual({
      database: 'my school',
      user: 'a b',
      password: String.raw`it's \ = 1`,
      tls: false,
      hosts: {
        name: 'URL',
        primaryOnly: false,
        hosts: [
          { host: 'h1', port: 5433 },
          { host: 'h2', port: 5433 },
        ],
      },
    });
  });

  it.each([
    ['postgresql://h', ['h 5432']],
    ['postgres://h:1,h2:2', ['h 1', 'h2 2']],
    ['postgres://10.0.0.1:1,[fe80::1]', ['10.0.0.1 1', 'fe80::1 5432']],
    ['postgres:///school?host=a,b&port=1,2', ['a 1', 'b 2']],
    ['postgres:///school', []],
    ['host=::1', ['::1 5432']],
    ['dbname=school', []],
  ])('finds the hosts of %s', (text, expected) => {
    expect(addresses(text)).toEqual(expected);
  });

  it.each([
    ['postgres://app:a:b@h', { password: 'a:b' }],
    ['postgres://h/db?password=a%26b', { password: 'a&b' }],
    ['postgres://h/db?ssl=true&sslsni=1&client_encoding=UTF8&sslnegotiation=postgres', { tls: true }],
    ['postgres://h/db?ssl=false', { tls: false }],
    ['postgres://h/db?sslmode=require', { tls: true }],
    ['postgres://h/db?sslmode=verify-ca', { tls: true }],
    ['postgres://h/db?sslmode=&user=', {}],
    ['postgres://h?passfile=x', { passfile: 'x' }],
  ])('reads %s', (text, expected) => {
    expect(read(text)).toMatchObject(expected);
    expect('tls' in read(text)).toBe('tls' in expected);
  });

  it('reads back whatever was put in and encoded', () => {
    const text = fc.string({ minLength: 1, unit: 'binary' }).filter((each) => !/\0|\p{Cs}/u.test(each));
    fc.assert(
      fc.property(text, text, text, (user, password, database) => {
        const [u, p, d] = [user, password, database].map(encodeURIComponent);
        expect(read(`postgres://${u}:${p}@h/${d}`)).toMatchObject({ user, password, database });
        const [qu, qp, qd] = [user, password, database].map((each) => `'${each.replace(/['\\]/g, '\\$&')}'`);
        expect(read(`host=h user=${qu} password=${qp} dbname=${qd}`)).toMatchObject({
          user,
          password,
          database,
        });
      }),
    );
  });

  it.each([
    [5, 'URL must be a text of the form'],
    ['', 'URL must be a text that is not empty'],
    ['school', "URL can't be read: it must be of the form 'postgres://"],
    ['mysql://h/db', "URL can't be read"],
    ['postgres://h/db#x', "URL can't be read"],
    ['postgres://a@b@h/db', "URL can't be read"],
    ['postgres://h:1:2/db', "URL can't be read: its hosts must be of the form"],
    ['postgres://app:100%@h/db', 'each % must be followed by two hex digits'],
    ['postgres://app%00@h/db', 'not %00'],
    ['postgres://h:70000', 'the port of host 1 in URL must be a whole number from 1 to 65535'],
    ['postgres://h,h2:x', 'the port of host 2 in URL must be a whole number from 1 to 65535'],
    ['postgres://h,,h2', 'host 2 in URL must be a host name or an IP address, but is empty'],
    ['postgres://u@:5433/db', "'port' in URL is given, but no host"],
    ['postgres:///db?target_session_attrs=any', "'target_session_attrs' in URL is given, but no host"],
    ['postgres://h?ssl=true&sslmode=disable', "'sslmode' in URL and 'ssl' in URL may contradict each other"],
    ['host=h:5432', 'host 1 in URL must be a host name or an IP address, but is not'],
    ['host=/run/postgresql', 'Unix sockets are not supported'],
    ['postgres://%2Frun%2Fpostgresql/db', 'Unix sockets are not supported'],
    ['host=a,b,c port=1,2', 'URL has 3 hosts, but 2 ports: give one for all, or one for each'],
    ['postgres://u@h/db?user=v', "'user' in URL is given twice"],
    ["host=h user='a", "URL can't be read"],
    ['host=h user', "URL can't be read"],
    ['postgres://u@h/db?sslmod=require', "'sslmod' in URL is unknown. Did you mean 'sslmode'? Allowed are"],
    ['postgres://@h/db?flag', "'flag' in URL is unknown."],
    ['postgres://h/db?flag', 'parameter 1 in URL is unknown.'],
    ['host=h sslmod=require', "parameter 2 in URL is unknown. Did you mean 'sslmode'?"],
    ['postgres://h/db?sslcert=x', "'sslcert' in URL is not supported. Allowed are"],
    [
      'postgres://h/db?sslmode=prefer',
      "'sslmode' in URL must be one of disable, require, verify-ca, verify-full, but is the text 'prefer'. With TLS, the certificate",
    ],
    ['postgres://h/db?sslmode=allow', "'sslmode' in URL must be one of"],
    ['postgres://h/db?sslmode=no-verify', "'sslmode' in URL must be one of"],
    ['postgres://h/db?ssl=no-verify', "'ssl' in URL must be one of true, false"],
    ['postgres://h/db?channel_binding=require', "'channel_binding' in URL must be one of disable, prefer"],
    ['postgres://h/db?connect_timeout=0', 'must be a whole number of seconds from 1 to 60'],
    ['postgres://h/db?connect_timeout=1.5', "but is the text '1.5'"],
    [
      'postgres://h,i/db?target_session_attrs=prefer-standby',
      "must be one of any, primary, read-write, but is the text 'prefer-standby'. Reads go to standbys by themselves",
    ],
  ])('refuses %j', (text, message) => {
    expect(() => read(text)).toThrow(message);
  });
});

describe('a password in a connection string', () => {
  const SECRET = 'geheim4711';
  const PASSWORD = fc
    .array(
      fc.oneof(
        fc.string({ unit: 'grapheme-ascii', maxLength: 3 }),
        fc.constantFrom('@', ':', '/', '?', '#', '&', '=', '%', "'", ' ', '\\'),
      ),
      {
        maxLength: 6,
      },
    )
    .chain((parts) => fc.shuffledSubarray(parts).map((some) => [...some, SECRET, ...parts].join('')));
  /** Each of them has something that is refused, or is refused for what the password does to it. */
  const BROKEN: ((password: string) => string)[] = [
    (password) => `postgres://app:${password}@h:x/db`,
    (password) => `postgres://app:${password}@h/db?sslmode=prefer`,
    (password) => `postgres://app:${password}@h/db?unknown=1`,
    (password) => `postgres://app:${password}`,
    (password) => `postgres://h/db?password=${password}&sslmode=prefer`,
    (password) => `postgres://h/db?password=${password}&password=${password}`,
    (password) => `mysql://app:${password}@h/db`,
    (password) => `password=${password} host=h sslmode=prefer`,
    (password) => `password=a ${password} host=h sslmode=prefer`,
    (password) => `password=a ${password}=b host=h sslmode=prefer`,
    (password) => `password=a sslmode=${password} host=h`,
    (password) => `password=a connect_timeout=${password} host=h`,
    (password) => `host=h password='${password}`,
    (password) => password,
  ];

  it('is in no error, whatever it does to the text', () => {
    let refused = 0;
    fc.assert(
      fc.property(PASSWORD, fc.constantFrom(...BROKEN), (password, make) => {
        try {
          readConnectionString({ name: 'URL', value: make(password) });
        } catch (error) {
          refused += 1;
          expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(SECRET);
        }
      }),
      { numRuns: 2_000 },
    );
    expect(refused).toBeGreaterThan(1_000);
  });

  it('hides what stands behind a password that nobody knows the end of', () => {
    expect(refusal('password=a zzz=b host=h')).toContain('parameter 2 in URL is unknown.');
    expect(refusal('password=a sslmode=prefer host=h')).toContain(
      'not shown because it stands behind a password',
    );
    expect(refusal('sslmode=prefer host=h password=a')).toContain("the text 'prefer'");
  });
});
