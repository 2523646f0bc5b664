import { describe, expect, it } from 'vitest';
import { UsageError, readConfig } from './config.ts';

const SECRET = 'x'.repeat(32);

it('serves at a port of this machine alone unless it is told otherwise', () => {
  expect(readConfig([], { KLATAB_SECRET: SECRET })).toEqual({
    command: 'serve',
    host: '127.0.0.1',
    port: 8080,
    demo: false,
    secret: SECRET,
    trustProxy: false,
  });
});

describe('what can not be followed', () => {
  it.each([
    [[], {}, 'KLATAB_SECRET must be 32 characters or more'],
    [[], { KLATAB_SECRET: 'short' }, 'KLATAB_SECRET must be 32 characters or more'],
    [['--demo', '--port', '70000'], {}, '--port 70000: not a port (allowed: 0 to 65535)'],
    [['--demo', '--port', 'http'], {}, '--port http: not a port'],
    [['--demo', '--colour'], {}, "Unknown option '--colour'"],
    [['--demo'], { KLATAB_TRUST_PROXY: 'yes' }, "KLATAB_TRUST_PROXY is 'yes' (allowed: true, false)"],
  ])('%j with %j', (argv, env, message) => {
    expect(() => readConfig(argv, env)).toThrow(UsageError);
    expect(() => readConfig(argv, env)).toThrow(message);
  });
});
