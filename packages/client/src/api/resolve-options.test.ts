import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates } from 'node:tls';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SchoolDbOptions } from './options.ts';
import { resolveOptions } from './resolve-options.ts';

const GIVEN_NO_PASSWORD = { endpoints: { master: 'db' }, database: 'school', user: 'app' };
const GIVEN = { ...GIVEN_NO_PASSWORD, password: 'geheim-4711' };

function resolve(changes: Record<string, unknown>) {
  return resolveOptions({ ...GIVEN, ...changes });
}

describe('resolveOptions', () => {
  it('needs a master, a database and a user, and adds the defaults', () => {
    expect(resolve({})).toMatchObject({
      master: [{ host: 'db', port: 5432 }],
      replica: undefined,
      tls: false,
      maxConnections: 20,
      deadlineMs: 60_000,
    });
  });

  it.each([
    ['db', { host: 'db', port: 5432 }],
    ['10.0.0.1:6432', { host: '10.0.0.1', port: 6432 }],
    ['[::1]:6432', { host: '::1', port: 6432 }],
    [
      { host: 'db', port: 1 },
      { host: 'db', port: 1 },
    ],
  ])('understands the address %j', (address, expected) => {
    expect(resolve({ endpoints: { master: address } }).master).toEqual([expected]);
  });

  it.each([
    [{ endpoints: 'db' }, "'endpoints' must be an object, but is a text"],
    [
      { endpoints: undefined },
      "'endpoints.master' is missing: give 'host' or 'host:port', a connection string",
    ],
    [{ database: undefined }, "'database' is missing: give the option, SCHOOLDB_DATABASE or PGDATABASE"],
    [{ user: null }, "'user' must be a text that is not empty, but is null"],
    [{ endpoints: { master: [] } }, "'endpoints.master' must name an address, but is an empty list"],
    [{ endpoints: { master: { host: '/run' } } }, 'Unix sockets are not supported'],
    [{ endpoints: {} }, "'endpoints.master' is missing"],
    [
      { endpoints: { master: 'db:x' } },
      "'endpoints.master' must be 'host' or 'host:port', but is the text 'db:x'",
    ],
    [
      { endpoints: { master: 'db:70000' } },
      "the port of 'endpoints.master' must be a whole number from 1 to 65535, but is 70000",
    ],
    [
      { endpoints: { master: 'db', slave: 'x' } },
      "'endpoints': unknown option 'slave'. Allowed are master, replica",
    ],
    [{ maxConnection: 5 }, "unknown option 'maxConnection'. Did you mean 'maxConnections'?"],
    [{ maxConnections: 2 }, "'maxConnections' must be a whole number from 3 to 1000, but is 2"],
    [{ deadlineMs: '60s' }, "'deadlineMs' must be a whole number from 1 to 3600000, but is the text '60s'"],
    [{ user: '' }, "'user' must be a text that is not empty, but is empty"],
    [{ tls: { ca: 5 } }, "'tls.ca' must be certificates in PEM"],
    [{ tls: { insecure: true } }, "'tls': unknown option 'insecure'"],
    [
      { tls: 'yes' },
      "'tls' must be true or false (in the code also { ca, serverName }), but is another text",
    ],
    [{ tls: null }, "'tls' must be an object, but is null"],
    [
      { maxStalenessMs: 50 },
      "'maxStalenessMs' (or false) must be a whole number from 100 to 3600000, but is 50",
    ],
    [{ password: 5 }, "'password' must be a text or a function"],
    [{ startupOptions: '' }, "'startupOptions' must be a text that is not empty, but is empty"],
    [
      { endpoints: { master: 'db', masterPooler: 'pooler' }, startupOptions: '-c x=y' },
      "'startupOptions' can't be used with poolers",
    ],
  ])('refuses %j by name', (changes, message) => {
    expect(() => resolve(changes)).toThrow(message);
  });

  it.each([
    { ...GIVEN, endpoints: 'postgres://app:geheim-4711@db/school' },
    { ...GIVEN, endpoints: { master: 'postgres://app:geheim-4711@db/school' } },
  ])('does not show the password of a connection string in the wrong place', (given) => {
    expect(() => resolveOptions(given as never)).toThrow(/a connection string|a text/);
    expect(() => resolveOptions(given as never)).not.toThrow('geheim');
  });

  it('does not show the password', () => {
    expect(inspect(resolve({}), { depth: 9 }) + JSON.stringify(resolve({}))).not.toContain('geheim');
  });
});

describe('where options come from', () => {
  const LOGIN = { PGDATABASE: 'school', PGUSER: 'app' };
  const hosts = (addresses: readonly { host: string }[] | undefined) => addresses?.map(({ host }) => host);
  const resolved = (given: SchoolDbOptions | string, env: Record<string, string>) => {
    const { master, replica, ...rest } = resolveOptions(given, { ...LOGIN, ...env });
    return { ...rest, master: hosts(master), replica: hosts(replica) };
  };
  /** From the last to the first, each with the user `u` and a number. */
  const LAYERS: readonly ((
    env: Record<string, string>,
    given: { -readonly [K in keyof SchoolDbOptions]: SchoolDbOptions[K] },
  ) => void)[] = [
    (env) => Object.assign(env, { PGHOST: 'h0', PGUSER: 'u0', PGAPPNAME: 'a0', PGPASSWORD: 'p0' }),
    (env) => Object.assign(env, { DATABASE_URL: 'postgres://u1:p1@h1/db?application_name=a1' }),
    (env) => Object.assign(env, { SCHOOLDB_URL: 'postgres://u2:p2@h2/db?application_name=a2' }),
    (env) => {
      delete env['SCHOOLDB_URL'];
      const [master, name] = ['h3', 'a3'];
      Object.assign(env, { SCHOOLDB_MASTER: master, SCHOOLDB_USER: 'u3', SCHOOLDB_PASSWORD: 'p3' });
      env['SCHOOLDB_APPLICATION_NAME'] = name;
    },
    (_env, given) => (given.connectionString = 'postgres://u4:p4@h4/db?application_name=a4'),
    (_env, given) =>
      Object.assign(given, {
        endpoints: { master: 'h5' },
        user: 'u5',
        password: 'p5',
        applicationName: 'a5',
      }),
  ];

  it('goes by an order: object, connection string, SCHOOLDB_…, SCHOOLDB_URL, DATABASE_URL, PG…', async () => {
    const env: Record<string, string> = {};
    const given: SchoolDbOptions = {};
    for (const [index, add] of LAYERS.entries()) {
      add(env, given);
      const { master, user, applicationName, password } = resolved(given, env);
      const secret = await password({ host: 'h', port: 1 });
      expect([master, user, applicationName, secret]).toEqual([
        [`h${index}`],
        `u${index}`,
        `a${index}`,
        `p${index}`,
      ]);
    }
  });

  it('takes a connection string alone, and nothing at all', () => {
    expect(resolved('postgres://h/db', {})).toMatchObject({ master: ['h'], database: 'db', user: 'app' });
    expect(resolved({}, { PGHOST: 'h' })).toMatchObject({ master: ['h'], replica: undefined, tls: false });
    expect(() => resolveOptions({})).toThrow("'endpoints.master' is missing");
  });

  it('lets each of several hosts be the primary, and each serve reads', () => {
    const several = ['h1', 'h2'];
    const expected = { master: several, replica: several };
    expect(resolved('postgres://h1,h2/db', {})).toMatchObject(expected);
    expect(resolved({}, { PGHOST: 'h1,h2' })).toMatchObject(expected);
    expect(resolved('postgres://h1,h2/db?target_session_attrs=primary', {})).toMatchObject({
      master: several,
      replica: undefined,
    });
  });

  it('mixes no addresses of the environment with those of the code', () => {
    const env = {
      SCHOOLDB_MASTER: 'm',
      SCHOOLDB_REPLICA: 'r',
      SCHOOLDB_MASTER_POOLER: 'p',
      PGHOST: 'h',
      PGPORT: '1',
      PGTARGETSESSIONATTRS: 'primary',
      DATABASE_URL: 'mysql://elsewhere',
    };
    const alone = { master: ['db'], replica: undefined, masterPooler: undefined };
    expect(resolved({ endpoints: { master: 'db' } }, env)).toMatchObject(alone);
    expect(resolved('postgres://db', env)).toMatchObject(alone);
    expect(resolveOptions('postgres://db', { ...LOGIN, ...env }).master).toEqual([
      { host: 'db', port: 5432 },
    ]);
    expect(() => resolved({ endpoints: { replica: 'db' } }, env)).toThrow("'endpoints.master' is missing");
  });

  it('adds to the hosts of a connection string what is given beside it', () => {
    const env = { SCHOOLDB_URL: 'postgres://h1,h2/db', SCHOOLDB_REPLICA: 'r' };
    expect(resolved({}, env)).toMatchObject({ master: ['h1', 'h2'], replica: ['r'] });
    const connectionString = 'postgres://h1,h2/db';
    expect(resolved({ connectionString, endpoints: { replica: 'r' } }, {})).toMatchObject({
      master: ['h1', 'h2'],
      replica: ['r'],
    });
    expect(resolved({ connectionString, endpoints: { master: 'm' } }, {})).toMatchObject({
      master: ['m'],
      replica: undefined,
    });
    expect(resolved({}, { SCHOOLDB_REPLICA: 'r', PGHOST: 'h1,h2' })).toMatchObject({ replica: ['r'] });
  });

  it('leaves a connection string of the environment aside where the code says where to connect', () => {
    const given = { endpoints: { master: 'db' }, user: 'me' };
    const env = { SCHOOLDB_URL: 'postgres://u:p@h/other' };
    expect(resolved(given, env)).toMatchObject({ master: ['db'], database: 'school', user: 'me' });
    expect(resolved(given, { SCHOOLDB_URL: 'postgres:///other' })).toMatchObject({ database: 'other' });
    expect(() => resolveOptions(given, env)).toThrow(
      "'database' is missing: give the option, SCHOOLDB_DATABASE or PGDATABASE. SCHOOLDB_URL is left aside",
    );
    expect(() => resolveOptions(given, { DATABASE_URL: 'postgres://u:p@h/other' })).toThrow(
      'DATABASE_URL is left aside',
    );
    expect(() => resolved({}, { ...env, SCHOOLDB_MASTER: 'm' })).toThrow(
      'SCHOOLDB_MASTER and the hosts in SCHOOLDB_URL contradict each other',
    );
  });

  it.each([
    [
      { SCHOOLDB_DEADLINE_MS: 'abc' },
      "SCHOOLDB_DEADLINE_MS must be a whole number from 1 to 3600000, but is the text 'abc'",
    ],
    [
      { SCHOOLDB_MAX_CONNECTIONS: '1' },
      'SCHOOLDB_MAX_CONNECTIONS must be a whole number from 3 to 1000, but is 1',
    ],
    [{ SCHOOLDB_PREFER: 'x' }, "SCHOOLDB_PREFER must be one of direct, pooler, but is the text 'x'"],
    [{ SCHOOLDB_READ_ONLY_WHEN_NO_PRIMARY: '1' }, 'SCHOOLDB_READ_ONLY_WHEN_NO_PRIMARY must be true or false'],
    [{ SCHOOLDB_TLS: 'require' }, 'SCHOOLDB_TLS must be true or false'],
    [
      { SCHOOLDB_REPLICA: 'a,b:x' },
      "SCHOOLDB_REPLICA[1] must be 'host' or 'host:port', but is the text 'b:x'",
    ],
    [{ SCHOOLDB_SAFE_FUNCTIONS: 'a,' }, 'SCHOOLDB_SAFE_FUNCTIONS[1] must be a text that is not empty'],
    [{ SCHOOLDB_MAX_STALENESS_MS: '1' }, 'SCHOOLDB_MAX_STALENESS_MS (or false) must be a whole number'],
    [{ SCHOOLDB_DEADLIN_MS: '1' }, "Did you mean 'SCHOOLDB_DEADLINE_MS'?"],
    [{ PGSSLMODE: 'allow' }, 'PGSSLMODE must be one of'],
    [{ PGOPTIONS: '-c x=y', SCHOOLDB_MASTER_POOLER: 'p' }, "PGOPTIONS can't be used with poolers"],
    [{ SCHOOLDB_PASSWORD: 'a', SCHOOLDB_PASSWORD_FILE: 'b' }, 'contradict each other: give one'],
    [
      { SCHOOLDB_PASSWORD_FILE: '/nowhere/geheim' },
      "SCHOOLDB_PASSWORD_FILE names a file that can't be read (ENOENT)",
    ],
    [{ PGPASSFILE: '/nowhere/geheim' }, "PGPASSFILE names a file that can't be read (ENOENT)"],
    [
      { SCHOOLDB_TLS_CA_FILE: '/nowhere/geheim' },
      "SCHOOLDB_TLS_CA_FILE names a file that can't be read (ENOENT)",
    ],
  ])('names the variable that is wrong: %j', (env, message) => {
    expect(() => resolved({}, { PGHOST: 'h', ...env })).toThrow(message);
    expect(() => resolved({}, { PGHOST: 'h', ...env })).not.toThrow('geheim');
  });

  it('reads a value of each kind', () => {
    expect(
      resolved(
        {},
        {
          PGHOST: 'h',
          SCHOOLDB_DEADLINE_MS: '500',
          SCHOOLDB_MAX_STALENESS_MS: 'false',
          SCHOOLDB_SAFE_FUNCTIONS: 'a, b.c',
          SCHOOLDB_READ_ONLY_WHEN_NO_PRIMARY: 'true',
          PGCONNECT_TIMEOUT: '2',
          PGOPTIONS: '-c x.y=1',
        },
      ),
    ).toMatchObject({
      deadlineMs: 500,
      maxStalenessMs: false,
      safeFunctions: ['a', 'b.c'],
      readOnlyWhenNoPrimary: true,
      connectSilenceMs: 2_000,
      startupOptions: '-c x.y=1',
    });
  });
});

describe('files that options name', () => {
  let directory: string;
  const file = (text: string) => {
    const path = join(directory, 'file');
    writeFileSync(path, text);
    return path;
  };
  const AT = { host: 'db', port: 5432 };

  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'schooldb-options-'))));
  afterEach(() => rmSync(directory, { recursive: true }));

  it('are read again for each connection: passwords', async () => {
    const { password } = resolveOptions(GIVEN_NO_PASSWORD, { SCHOOLDB_PASSWORD_FILE: file('first\n') });
    expect(await password(AT)).toBe('first');
    file(' second ');
    expect(await password(AT)).toBe(' second ');
  });

  it('may be empty or away while they are replaced', async () => {
    const { password } = resolveOptions(GIVEN_NO_PASSWORD, { SCHOOLDB_PASSWORD_FILE: file('first') });
    file('\n');
    expect(await password(AT)).toBe('first');
    rmSync(join(directory, 'file'));
    expect(await password(AT)).toBe('first');
    file('second');
    expect(await password(AT)).toBe('second');
  });

  it('must hold a password at first', () => {
    const env = { SCHOOLDB_PASSWORD_FILE: file('\n') };
    expect(() => resolveOptions(GIVEN_NO_PASSWORD, env)).toThrow(
      'SCHOOLDB_PASSWORD_FILE names a file that is empty',
    );
  });

  it('are read again for each connection: the password file of libpq', async () => {
    const { password } = resolveOptions(GIVEN_NO_PASSWORD, { PGPASSFILE: file('db:5432:school:app:first') });
    expect(await password(AT)).toBe('first');
    expect(await password({ ...AT, port: 1 })).toBe('');
    file('*:*:*:*:second');
    expect(await password({ ...AT, port: 1 })).toBe('second');
  });

  it('are not read where the password comes from something before them', async () => {
    const env = { SCHOOLDB_PASSWORD_FILE: '/nowhere', PGPASSFILE: '/nowhere', PGPASSWORD: 'no' };
    expect(await resolveOptions(GIVEN, env).password(AT)).toBe('geheim-4711');
    const asked = resolveOptions({ ...GIVEN, password: (...args: unknown[]) => `asked ${args.length}` }, env);
    expect(await asked.password(AT)).toBe('asked 0');
  });

  const CA = '-----BEGIN CERTIFICATE-----\n…';

  it.each([
    [{}, false],
    [{ PGSSLMODE: 'disable', PGSSLROOTCERT: 'ca' }, false],
    [{ PGSSLMODE: 'require' }, { ca: undefined, serverName: undefined }],
    [
      { PGSSLMODE: 'require', PGSSLROOTCERT: 'ca' },
      { ca: CA, serverName: undefined },
    ],
    [{ PGSSLROOTCERT: 'ca' }, { ca: CA, serverName: undefined }],
    [{ SCHOOLDB_TLS: 'false', PGSSLMODE: 'require' }, false],
    [
      { SCHOOLDB_TLS_CA_FILE: 'ca', PGSSLMODE: 'disable' },
      { ca: CA, serverName: undefined },
    ],
    [
      { SCHOOLDB_TLS: 'true', SCHOOLDB_TLS_SERVER_NAME: 'x', PGSSLROOTCERT: 'ca' },
      { ca: CA, serverName: 'x' },
    ],
  ])('turn TLS on: %j', (env: Record<string, string>, tls) => {
    const path = file(CA);
    const named = Object.entries(env).map(([name, value]) => [name, value === 'ca' ? path : value]);
    const inEnvironment = Object.fromEntries(named) as Record<string, string>;
    expect(resolveOptions(GIVEN, inEnvironment).tls).toEqual(tls);
    expect(resolveOptions({ ...GIVEN, tls: false }, inEnvironment).tls).toBe(false);
    expect(resolveOptions({ ...GIVEN, tls: { serverName: 'y' } }, inEnvironment).tls).toEqual({
      ca: undefined,
      serverName: 'y',
    });
  });

  it('hold certificates, or stand for those of the operating system', () => {
    const env = { SCHOOLDB_TLS_CA_FILE: file('geheim') };
    expect(() => resolveOptions(GIVEN, env)).toThrow(
      'SCHOOLDB_TLS_CA_FILE names a file that holds no certificates',
    );
    const system = () => resolveOptions(GIVEN, { PGSSLROOTCERT: 'system' }).tls;
    if (getCACertificates('system').length > 0) {
      expect(system()).toMatchObject({ ca: expect.stringContaining('BEGIN CERTIFICATE') as string });
    } else {
      expect(system).toThrow("PGSSLROOTCERT is 'system', but the operating system has no certificates");
    }
  });
});
