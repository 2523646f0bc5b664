import { describe, expect, it } from 'vitest';
import { isAtomic, isCopyStream, mayReturnRows, transactionControlIn } from './statement-text.ts';

describe('transactionControlIn', () => {
  it.each([
    ['COMMIT', 'COMMIT'],
    ['  begin isolation level serializable', 'BEGIN'],
    ['-- now\n/* really */ Rollback;', 'ROLLBACK'],
    ['; COMMIT', 'COMMIT'],
    ['/* a /* nested */ one */ ;; commit', 'COMMIT'],
    ["prepare transaction 'x'", 'PREPARE TRANSACTION'],
    ['start  transaction', 'START  TRANSACTION'],
  ])('finds it in %j', (text, control) => expect(transactionControlIn(text)).toBe(control));

  it.each([
    'SELECT 1',
    'UPDATE commits SET x = 1',
    'begins',
    "PREPARE x AS SELECT 'commit'",
    '',
    '/* COMMIT',
    '-- COMMIT',
  ])('finds none in %j', (text) => expect(transactionControlIn(text)).toBeUndefined());
});

describe('isCopyStream', () => {
  it('knows COPY from and to the client, and no other text', () => {
    expect(isCopyStream('copy t (a)\nfrom STDIN')).toBe(true);
    expect(isCopyStream('/* x */ COPY (SELECT 1) TO STDOUT')).toBe(true);
    expect(isCopyStream("COPY t FROM '/file'")).toBe(false);
    expect(isCopyStream("SELECT 'copy t from stdin'")).toBe(false);
  });
});

describe('isAtomic', () => {
  it('does not count on CALL, DO and what it does not know', () => {
    expect(['INSERT x', '-- c\nselect 1', 'WITH x AS (DELETE x) SELECT 1'].map(isAtomic)).toEqual([
      true,
      true,
      true,
    ]);
    expect(['CALL p()', 'DO $$ BEGIN COMMIT; END $$', 'VACUUM', ''].map(isAtomic)).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });
});

describe('mayReturnRows', () => {
  it('looks behind comments, and for RETURNING anywhere', () => {
    expect(['/* tag */ SELECT f()', 'INSERT x RETURNING id', '(SELECT 1)'].map(mayReturnRows)).toEqual([
      true,
      true,
      true,
    ]);
    expect(['INSERT x', 'UPDATE x SET y = 1'].map(mayReturnRows)).toEqual([false, false]);
  });
});
