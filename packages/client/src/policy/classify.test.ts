import { describe, expect, it } from 'vitest';
import { classifyConnectFailure, classifyStatementFailure, outcomeOfLostConnection } from './classify.ts';

describe('classifyConnectFailure', () => {
  it.each([
    'ECONNREFUSED',
    'EHOSTUNREACH',
    'ETIMEDOUT',
    'ENOTFOUND',
    'ECONNRESET',
    '57P03',
    '53300',
    '08004',
    undefined,
  ])('tries again later after %s', (code) => expect(classifyConnectFailure(code)).toBe('try-later'));

  it.each(['28000', '3D000', '42501', 'ERR_TLS_CERT_ALTNAME_INVALID', 'SELF_SIGNED_CERT_IN_CHAIN'])(
    'gives up after %s',
    (code) => expect(classifyConnectFailure(code)).toBe('rejected'),
  );

  it('asks for the password again when it was refused', () => {
    expect(classifyConnectFailure('28P01')).toBe('password');
  });
});

describe('classifyStatementFailure', () => {
  it.each(['40001', '40P01'])('knows that %s was rolled back', (code) => {
    expect(classifyStatementFailure(code)).toBe('rolled-back');
  });

  it.each(['23505', '42P01', '25006', '57014', '55P03', undefined])('leaves %s to the app', (code) => {
    expect(classifyStatementFailure(code)).toBe('app');
  });
});

describe('outcomeOfLostConnection', () => {
  it('is unknown for a statement with an effect that was sent, idempotent or not', () => {
    expect(outcomeOfLostConnection(true, 'effectful')).toBe('unknown');
    expect(outcomeOfLostConnection(true, 'idempotent')).toBe('unknown');
  });

  it('is harmless where nothing was sent, or there is no effect', () => {
    expect(outcomeOfLostConnection(false, 'effectful')).toBe('not-executed');
    expect(outcomeOfLostConnection(true, 'read')).toBe('not-executed');
  });
});
