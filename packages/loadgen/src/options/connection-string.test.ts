import { describe, expect, it } from 'vitest';
import { parseReplicaAddress, parseTarget } from './connection-string.ts';

describe('parseTarget', () => {
  it('reads address, names and password', () => {
    expect(parseTarget('postgres://bauer:p%40ss@10.0.145.135:6432/firmendaten')).toEqual({
      master: { host: '10.0.145.135', port: 6432 },
      replica: null,
      database: 'firmendaten',
      user: 'bauer',
      password: 'p@ss',
      tls: null,
    });
  });

  it('takes 5432 and the password from PGPASSWORD where they are missing', () => {
    const target = parseTarget('postgresql://bauer@[::1]/firmendaten', { PGPASSWORD: 'geheim' });
    expect(target.master).toEqual({ host: '::1', port: 5432 });
    expect(target.password).toBe('geheim');
  });

  it('encrypts with require and verifies with verify-full', () => {
    const tls = (mode: string) => parseTarget(`postgres://u:p@h/d?sslmode=${mode}`).tls;
    expect(tls('disable')).toBeNull();
    expect(tls('require')).toEqual({ ca: null, verify: false });
    expect(tls('verify-full')).toEqual({ ca: null, verify: true });
  });

  it.each([
    ['nonsense', 'not a connection string'],
    ['http://u:secret@h/d', 'not a connection string'],
    ['postgres://u@h/d', 'no password'],
    ['postgres://:secret@h/d', 'no user'],
    ['postgres://u:secret@h', 'no database'],
    [
      'postgres://u:secret@h/d?sslmode=prefer',
      "sslmode 'prefer' is not one of disable, require, verify-full",
    ],
    ['postgres://u:secret@h/d?sslcert=x', "unknown parameter 'sslcert'"],
    ['postgres://u:secret@h/d?sslmode=require&sslrootcert=/no/such', 'sslrootcert cannot be read'],
  ])('refuses %s in one line without the password', (text, message) => {
    const refusal = () => parseTarget(text);
    expect(refusal).toThrow(message);
    expect(refusal).not.toThrow('secret');
  });
});

describe('parseReplicaAddress', () => {
  it('reads the address alone', () => {
    expect(parseReplicaAddress('postgres://10.0.145.136')).toEqual({ host: '10.0.145.136', port: 5432 });
  });
});
