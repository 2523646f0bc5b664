import { describe, expect, it } from 'vitest';
import { colorsFor } from './colors.ts';
import { formatCount, formatMs, plural } from './format.ts';
import { renderTable } from './table.ts';

describe('formatMs', () => {
  it.each([
    [null, '–'],
    [0.123, '0.12 ms'],
    [12.34, '12.3 ms'],
    [123.4, '123 ms'],
    [5_310, '5.31 s'],
  ])('writes %d as %s', (ms, text) => {
    expect(formatMs(ms)).toBe(text);
  });
});

describe('counts', () => {
  it('are grouped and agree with their noun', () => {
    expect(formatCount(17_890)).toBe('17,890');
    expect(plural(1, 'write')).toBe('1 write');
    expect(plural(2, 'write')).toBe('2 writes');
  });
});

describe('renderTable', () => {
  it('aligns cells and leaves nothing at the end of a line', () => {
    const columns = [{ align: 'left' }, { align: 'right' }, { align: 'left' }] as const;
    expect(
      renderTable(columns, [
        ['errors', '0', 'seen'],
        ['x', '1,200', ''],
      ]),
    ).toEqual(['errors       0   seen', 'x        1,200']);
  });
});

describe('colorsFor', () => {
  it('colours terminals only, and never against NO_COLOR', () => {
    const red = (isTTY: boolean, environment: NodeJS.ProcessEnv) =>
      colorsFor({ isTTY }, environment).red('x');
    expect(red(true, {})).not.toBe('x');
    expect(red(false, {})).toBe('x');
    expect(red(true, { NO_COLOR: '1' })).toBe('x');
    expect(red(true, { TERM: 'dumb' })).toBe('x');
  });
});
