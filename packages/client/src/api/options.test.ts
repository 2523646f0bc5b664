import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { resolveOptions } from './options.ts';

const GIVEN = { endpoints: { master: 'db' }, database: 'school', user: 'app', password: 'geheim-4711' };

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
    [{ endpoints: undefined }, "'endpoints' must be an object, but is missing"],
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
    [{ password: 5 }, "'password' must be a text or a function"],
  ])('refuses %j by name', (changes, message) => {
    expect(() => resolve(changes)).toThrow(message);
  });

  it.each([
    'postgres://app:geheim-4711@db/school',
    { ...GIVEN, endpoints: 'postgres://app:geheim-4711@db/school' },
    { ...GIVEN, endpoints: { master: 'postgres://app:geheim-4711@db/school' } },
  ])('does not show the password of a connection string in the wrong place', (given) => {
    expect(() => resolveOptions(given as never)).toThrow('a connection string');
    expect(() => resolveOptions(given as never)).not.toThrow('geheim');
  });

  it('does not show the password', () => {
    expect(inspect(resolve({}), { depth: 9 }) + JSON.stringify(resolve({}))).not.toContain('geheim');
  });
});
