import { describe, expect, it } from 'vitest';
import { OWN_URL, OWN_VARIABLES, readLibpqVariables, readOwnVariables } from './environment.ts';
import { SCHOOL_DB_DEFAULTS } from './options.ts';

describe('the variables SCHOOLDB_…', () => {
  it('are named after their options, and there is one for each', () => {
    const names = ['master', 'replica', 'masterPooler', 'replicaPooler', 'database', 'user', 'password'];
    const more = ['passwordFile', 'tls', 'tlsCaFile', 'tlsServerName', 'startupOptions'];
    const options = [...names, ...more, ...Object.keys(SCHOOL_DB_DEFAULTS)];
    const capitals = options.map((name) => `SCHOOLDB_${name.replace(/[A-Z]/g, '_$&').toUpperCase()}`);
    expect(Object.keys(OWN_VARIABLES).toSorted()).toEqual(capitals.toSorted());
    expect(Object.values(OWN_VARIABLES).map(({ option }) => option)).toEqual(expect.arrayContaining(options));
  });

  it.each([
    ['SCHOOLDB_MASTER', 'h1:1, h2', ['h1:1', 'h2']],
    ['SCHOOLDB_DEADLINE_MS', '500', 500],
    ['SCHOOLDB_DEADLINE_MS', '5e2', '5e2'],
    ['SCHOOLDB_DEADLINE_MS', '-1', '-1'],
    ['SCHOOLDB_TLS', 'true', true],
    ['SCHOOLDB_TLS', 'yes', 'yes'],
    ['SCHOOLDB_MAX_STALENESS_MS', 'false', false],
    ['SCHOOLDB_MAX_STALENESS_MS', '100', 100],
    ['SCHOOLDB_SAFE_FUNCTIONS', 'a,b.c', ['a', 'b.c']],
  ])('%s=%s gives %j', (name, text, value) => {
    expect(Object.values(readOwnVariables({ [name]: text }))).toEqual([{ name, value }]);
  });

  it('count as absent when they are empty', () => {
    expect(readOwnVariables({ SCHOOLDB_PASSWORD: '', SCHOOLDB_DEADLINE_MS: '' })).toEqual({});
  });

  it.each([
    ['SCHOOLDB_DEADLINE', 'x', "Did you mean 'SCHOOLDB_DEADLINE_MS'?"],
    ['SCHOOLDB_PASSWORT', 'geheim-4711', "Did you mean 'SCHOOLDB_PASSWORD'?"],
    ['SCHOOLDB_PORT', '5433', 'SCHOOLDB_PORT: unknown variable'],
    ['SCHOOLDB_toString', '', 'unknown variable'],
  ])('refuses %s, without its value', (name, text, message) => {
    expect(() => readOwnVariables({ [name]: text })).toThrow(message);
    expect(() => readOwnVariables({ [name]: text })).not.toThrow('geheim');
  });

  it('leaves those alone that Kubernetes sets for services of that name, and those of other packages', () => {
    const links = {
      SCHOOLDB_SERVICE_HOST: '10.0.0.1',
      SCHOOLDB_SERVICE_PORT: '5432',
      SCHOOLDB_SERVICE_PORT_POSTGRESQL: '5432',
      SCHOOLDB_PORT: 'tcp://10.0.0.1:5432',
      SCHOOLDB_PORT_5432_TCP: 'tcp://10.0.0.1:5432',
      SCHOOLDB_PORT_5432_TCP_ADDR: '10.0.0.1',
      SCHOOLDB_PORT_5432_TCP_PORT: '5432',
      SCHOOLDB_PORT_5432_TCP_PROTO: 'tcp',
      SCHOOLDB_REPL_SERVICE_HOST: '10.0.0.2',
      SCHOOLDB_REPL_PORT: 'tcp://10.0.0.2:5432',
      SCHOOLDB_POSTGRES_VERSION: '18',
      [OWN_URL]: 'postgres://h',
      UNRELATED: 'x',
    };
    expect(readOwnVariables(links)).toEqual({});
  });
});

describe("libpq's variables", () => {
  it('say everything that a connection string can', () => {
    const env = {
      PGHOST: 'h1,h2',
      PGPORT: '5433',
      PGTARGETSESSIONATTRS: 'read-write',
      PGDATABASE: 'school',
      PGUSER: 'app',
      PGPASSWORD: 'secret',
      PGAPPNAME: 'shell',
      PGOPTIONS: '-c x.y=1',
      PGCONNECT_TIMEOUT: '2',
      PGSSLMODE: 'verify-full',
      PGSSLROOTCERT: 'system',
    };
    expect(readLibpqVariables(env, true)).toMatchObject({
      hosts: { hosts: [{ host: 'h1', port: 5433 }, { port: 5433 }], primaryOnly: true },
      database: { name: 'PGDATABASE', value: 'school' },
      user: { value: 'app' },
      password: { value: 'secret' },
      applicationName: { value: 'shell' },
      startupOptions: { value: '-c x.y=1' },
      connectSilenceMs: { value: 2_000 },
      tls: { value: true },
      tlsCaFile: { value: 'system' },
    });
    expect(readLibpqVariables(env, false).hosts).toBeUndefined();
  });

  it('are refused where they ask for what the client does not do, if they say where to connect', () => {
    const env = { PGHOST: 'h', PGREQUIREAUTH: 'scram-sha-256' };
    expect(() => readLibpqVariables(env, true)).toThrow('PGREQUIREAUTH is not supported');
    expect(readLibpqVariables(env, false)).toEqual({});
    expect(readLibpqVariables({ PGPORT: '1', PGSERVICE: 'x' }, true)).toEqual({});
    expect(() => readLibpqVariables({ PGSSLMODE: 'prefer' }, false)).toThrow(
      "PGSSLMODE must be one of disable, require, verify-ca, verify-full, but is the text 'prefer'",
    );
    expect(() => readLibpqVariables({ PGHOST: 'h', PGPORT: '0' }, true)).toThrow(
      'the port of host 1 in PGHOST',
    );
  });
});
