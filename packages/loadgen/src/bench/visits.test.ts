import { describe, expect, it } from 'vitest';
import { visitsOf } from './visits.ts';

const connected = (at: number, application = 'idle') => ({
  application,
  receivedAt: at,
  authorizedAt: at,
  endedAt: Infinity,
});
const said = (at: number, application = 'idle') => ({ at, pid: 1, application });

describe('visitsOf', () => {
  it('counts a login with its statements once, and what comes later again', () => {
    const log = { connections: [connected(1_000)], statements: [said(1_010), said(1_020), said(3_000)] };
    expect(visitsOf(log, 'idle', 0, 10_000)).toBe(2);
  });

  it('counts nobody else, and nothing outside the window', () => {
    const log = { connections: [connected(500), connected(2_000, 'other')], statements: [said(9_000)] };
    expect(visitsOf(log, 'idle', 1_000, 9_000)).toBe(0);
  });
});
