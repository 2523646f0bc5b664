import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Failure, FailurePhase, StatementSafety } from './classify.ts';
import { FAILURES, codeOf, failureOf, judgeFailure, kindOfFailure } from './classify.ts';

const PHASES: readonly FailurePhase[] = ['not-sent', 'sent', 'in-transaction', 'committing', 'streaming'];
const CODES = FAILURES.flatMap((row) => [...row.sqlStates, ...row.errnos]);
const SAFETIES: readonly StatementSafety[] = ['read', 'idempotent', 'effectful'];

describe('kindOfFailure', () => {
  it('finds no code in two rows', () => {
    expect(new Set(CODES).size).toBe(CODES.length);
  });

  it.each(['23505', '42P01', '57014', '55P03', '22P02', '08P01', undefined])(
    'leaves %s to the app',
    (code) => {
      expect(kindOfFailure({ code }, 'sent')).toBe('app');
    },
  );

  it.each(['23505', '40001', '25006', 'XX000', undefined])(
    'counts any ending of the connection as lost, with code %s too',
    (code) => expect(kindOfFailure({ code, connectionLost: true }, 'sent')).toBe('lost'),
  );

  it.each(['57P03', '53300', '28P01', '28000'])('believes a server that says %s at the door', (code) =>
    expect(kindOfFailure({ code, connectionLost: true }, 'sent')).toBe(kindOfFailure({ code }, 'not-sent')),
  );

  it.each(['08006', '08001', '53300', '57P03', '40003'])(
    'leaves %s on a connection that lives on to the app: a foreign server said it',
    (code) => expect(kindOfFailure({ code }, 'sent')).toBe('app'),
  );

  it.each(['ETIMEDOUT', 'EHOSTUNREACH', 'ECONNRESET', 'EPIPE'])(
    'takes %s on an open connection for a loss',
    (code) => {
      expect(kindOfFailure({ code }, 'sent')).toBe('lost');
      expect(kindOfFailure({ code, connectionLost: true }, 'committing')).toBe('lost');
    },
  );

  it.each([
    ['query_wait_timeout', 'unreachable'],
    ['server login has been failing, try again later (server_login_retry)', 'unreachable'],
    ['client_login_timeout (server down)', 'unreachable'],
    ['no more connections allowed (max_client_conn)', 'unreachable'],
    ['password authentication failed', 'password'],
    ['no such database: school', 'rejected'],
    ['unsupported startup parameter: statement_timeout', 'rejected'],
    ['server conn crashed?', 'lost'],
    ['invalid message format', 'lost'],
  ])("splits a pooler's 08P01 by its text: %j is %s", (message, kind) => {
    expect(kindOfFailure({ code: '08P01', message, connectionLost: true }, 'sent')).toBe(kind);
  });
});

describe('judgeFailure', () => {
  const lost: Failure = { code: 'ECONNRESET', connectionLost: true };

  it.each([
    ['not-sent', 'effectful', 'not-executed', 'retry'],
    ['sent', 'effectful', 'unknown', 'settle'],
    ['sent', 'idempotent', 'not-executed', 'retry'],
    ['sent', 'read', 'not-executed', 'retry'],
    ['in-transaction', 'effectful', 'not-executed', 'rerun'],
    ['committing', 'effectful', 'unknown', 'settle'],
    ['committing', 'read', 'unknown', 'settle'],
    ['streaming', 'read', 'not-executed', 'pass'],
    ['streaming', 'effectful', 'unknown', 'pass'],
  ] as const)('a connection lost while %s (%s): %s, %s', (phase, safety, outcome, action) => {
    expect(judgeFailure(lost, phase, safety)).toEqual({ outcome, action });
  });

  it.each([
    ['57P01', 'sent'],
    ['57P02', 'committing'],
  ] as const)('takes %s for the end of the connection, whether or not it was seen to end', (code, phase) => {
    expect(judgeFailure({ code }, phase, 'effectful')).toEqual({ outcome: 'unknown', action: 'settle' });
  });

  it.each([
    ['25006', 'sent', 'retry-elsewhere'],
    ['25006', 'in-transaction', 'retry-elsewhere'],
    ['40001', 'sent', 'retry'],
    ['40P01', 'in-transaction', 'rerun'],
    ['40001', 'committing', 'rerun'],
    ['SD001', 'committing', 'rerun'],
    ['28P01', 'not-sent', 'read-password'],
    ['3D000', 'not-sent', 'pass'],
    ['3D000', 'sent', 'pass'],
    ['23505', 'sent', 'pass'],
    ['23505', 'committing', 'pass'],
    ['57014', 'sent', 'pass'],
    ['53200', 'not-sent', 'retry'],
  ] as const)('%s while %s was not executed: %s', (code, phase, action) => {
    expect(judgeFailure({ code }, phase, 'effectful')).toEqual({ outcome: 'not-executed', action });
  });

  it('never calls an effectful statement not executed once it was sent and the connection went away', () => {
    const codes = [...CODES, '23505', 'XX000'];
    const failure = fc.record({ code: fc.constantFrom(...codes), connectionLost: fc.constant(true) });
    const sent = fc.constantFrom<FailurePhase>('sent', 'committing', 'streaming');
    fc.assert(
      fc.property(failure, sent, (each, phase) => {
        const refusedAtTheDoor = ['57P03', '53300', '08001', '08004', '28P01', '28000', '3D000', '42501'];
        const certain = [...refusedAtTheDoor, 'SCHOOLDB_UNSUITABLE_SERVER'].includes(each.code);
        expect(judgeFailure(each, phase, 'effectful').outcome).toBe(certain ? 'not-executed' : 'unknown');
      }),
    );
  });

  it('retries nothing whose outcome is unknown, and asks only then', () => {
    const codes = fc.option(fc.constantFrom(...CODES, '23505'), {
      nil: undefined,
    });
    fc.assert(
      fc.property(
        codes,
        fc.boolean(),
        fc.constantFrom(...PHASES),
        fc.constantFrom(...SAFETIES),
        (code, connectionLost, phase, safety) => {
          const { outcome, action } = judgeFailure({ code, connectionLost }, phase, safety);
          if (outcome === 'unknown') expect(['settle', 'pass']).toContain(action);
          if (action === 'settle') expect(outcome).toBe('unknown');
          if (phase === 'streaming') expect(action).toBe('pass');
        },
      ),
    );
  });
});

describe('codeOf and failureOf', () => {
  it('read the code of whatever was thrown', () => {
    expect([codeOf(Object.assign(new Error('x'), { code: '23505' })), codeOf('text'), codeOf(null)]).toEqual([
      '23505',
      undefined,
      undefined,
    ]);
    expect(failureOf(Object.assign(new Error('x'), { code: 5 }))).toEqual({ code: undefined, message: 'x' });
    expect(failureOf('text')).toEqual({ code: undefined, message: undefined });
  });
});
