import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { databaseSum, readSettleToken, settleTokenOf } from './settle-token.ts';

const commits = fc.record({
  mark: fc.record({ slot: fc.uuid(), seq: fc.integer({ min: 1, max: 2 ** 48 - 1 }) }),
  systemId: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String),
  database: fc.string({ minLength: 1 }),
  at: fc.integer({ min: 0, max: 2 ** 40 - 1 }),
});

describe('a settle token', () => {
  it('says what it was made of, and is fit for a cookie', () => {
    fc.assert(
      fc.property(commits, (commit) => {
        const token = settleTokenOf(commit);
        expect(token).toMatch(/^[\w-]{59}$/);
        const { mark, systemId, at, database } = commit;
        expect(readSettleToken(token)).toEqual({ mark, systemId, at, databaseSum: databaseSum(database) });
      }),
    );
  });

  it('is refused with any one of its characters changed, added or missing', () => {
    fc.assert(
      fc.property(commits, fc.nat({ max: 58 }), fc.constantFrom('A', 'z', '!', ''), (commit, at, other) => {
        const token = settleTokenOf(commit);
        fc.pre(token[at] !== other);
        expect(() => readSettleToken(token.slice(0, at) + other + token.slice(at + 1))).toThrow('is damaged');
        expect(() => readSettleToken(`${token.slice(0, at)}x${token.slice(at)}`)).toThrow('is damaged');
      }),
    );
  });

  it.each([undefined, null, 42, {}, '', 'a', 'x'.repeat(59), 'x'.repeat(100_000)])('is not %s', (given) => {
    expect(() => readSettleToken(given)).toThrow(expect.objectContaining({ code: 'SCHOOLDB_INVALID_TOKEN' }));
  });
});
