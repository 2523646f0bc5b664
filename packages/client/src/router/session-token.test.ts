import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Watermark } from '../policy/watermark.ts';
import { readSessionToken, sessionTokenOf } from './session-token.ts';

const POSITION = { systemId: '7300000000000000001', timeline: 3, lsn: 22_040_592n };

function content(token: unknown) {
  const { position, unknown } = readSessionToken(token);
  return { position, unknown };
}

const NOTHING = { position: undefined, unknown: false };

describe('a session token', () => {
  it('says what it was made of, and fits a cookie', () => {
    for (const position of [POSITION, undefined]) {
      for (const unknown of [true, false]) {
        const token = sessionTokenOf(new Watermark(position, unknown));
        expect(token).toMatch(/^[\w-]{0,35}$/);
        expect(content(token)).toEqual({ position, unknown });
      }
    }
  });

  it('is empty where there is nothing to say', () => {
    expect(sessionTokenOf(new Watermark())).toBe('');
  });

  it('says nothing with any one of its characters changed, cut off or added', () => {
    const token = sessionTokenOf(new Watermark(POSITION));
    for (let at = 0; at < token.length; at += 1) {
      const other = token[at] === 'A' ? 'B' : 'A';
      expect(content(token.slice(0, at) + other + token.slice(at + 1))).toEqual(NOTHING);
      expect(content(token.slice(0, at))).toEqual(NOTHING);
    }
    expect(content(`${token}A`)).toEqual(NOTHING);
  });

  it('says nothing where it is anything else', () => {
    const saysNothing = (value: unknown) => {
      expect(content(value)).toEqual(NOTHING);
    };
    fc.assert(fc.property(fc.anything(), saysNothing));
    fc.assert(fc.property(fc.base64String(), saysNothing));
    expect(content('A'.repeat(10_000_000))).toEqual(NOTHING);
  });
});
