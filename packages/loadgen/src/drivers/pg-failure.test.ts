import { DatabaseError } from 'pg';
import { describe, expect, it } from 'vitest';
import { failureOf } from './pg-failure.ts';

function databaseError(code: string, severity = 'ERROR'): Error {
  const error = new DatabaseError('as the server said', 0, 'error');
  return Object.assign(error, { code, severity });
}

const errno = (code: string): Error => Object.assign(new Error(`connect ${code}`), { code });

describe('failureOf', () => {
  it.each([
    ['a refused connection', errno('ECONNREFUSED'), 'ECONNREFUSED'],
    ['a connection attempt without an answer', new Error('timeout expired'), 'CONNECT_TIMEOUT'],
    ['an exhausted pool', new Error('timeout exceeded when trying to connect'), 'POOL_TIMEOUT'],
    ['too many clients', databaseError('53300', 'FATAL'), '53300'],
    ['a server that starts up', databaseError('57P03', 'FATAL'), '57P03'],
    ['a wrong password', databaseError('28P01', 'FATAL'), '28P01'],
  ])('takes %s while connecting as not executed', (_, error, code) => {
    expect(failureOf(error, 'connecting')).toMatchObject({ outcome: 'fail', code });
  });

  it.each([
    ['a standby that refuses the write', '25006'],
    ['a serialization failure', '40001'],
    ['a deadlock', '40P01'],
    ['a duplicate key', '23505'],
    ['a syntax error', '42601'],
    ['a cancelled statement', '57014'],
  ])('takes %s as not executed', (_, code) => {
    expect(failureOf(databaseError(code), 'sent')).toMatchObject({ outcome: 'fail', code });
  });

  it.each([
    ['a terminated backend', databaseError('57P01', 'FATAL'), '57P01'],
    ['a terminated backend that calls itself an error', databaseError('57P01'), '57P01'],
    ['a crash shutdown', databaseError('57P02', 'FATAL'), '57P02'],
    ['any other FATAL', databaseError('XX000', 'FATAL'), 'XX000'],
    ['a connection failure told by the server', databaseError('08006'), '08006'],
    ['an unknown completion', databaseError('40003'), '40003'],
    ['a reset socket', errno('ECONNRESET'), 'ECONNRESET'],
    ['a closed socket', new Error('Connection terminated unexpectedly'), 'CONNECTION_LOST'],
    ["pg's query timeout", new Error('Query read timeout'), 'QUERY_TIMEOUT'],
    ['what nobody has thought of', 'text instead of an error', 'OTHER'],
  ])('leaves the outcome open after %s', (_, error, code) => {
    expect(failureOf(error, 'sent')).toMatchObject({ outcome: 'unknown', code });
  });

  it('keeps the message on one line', () => {
    expect(failureOf(new Error('one\n  two'), 'sent').message).toBe('one two');
  });

  it('finds the reason inside an attempt at several addresses', () => {
    const error = new AggregateError([errno('ECONNREFUSED')], '');
    expect(failureOf(error, 'connecting').message).toContain('ECONNREFUSED');
  });
});
