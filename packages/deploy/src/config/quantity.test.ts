import { describe, expect, it } from 'vitest';
import { memoryText, parseCpu, parseMemory } from './quantity.ts';

describe('quantities', () => {
  it.each([
    ['512Mi', 512 * 1024 ** 2],
    ['10Gi', 10 * 1024 ** 3],
    ['2G', 2_000_000_000],
    ['1024', 1024],
  ])('reads %s of memory', (text, bytes) => {
    expect(parseMemory(text)).toBe(bytes);
  });

  it.each([
    ['250m', 250],
    ['1', 1000],
    ['1.5', 1500],
    ['0.001', 1],
  ])('reads %s of CPU', (text, thousandths) => {
    expect(parseCpu(text)).toBe(thousandths);
  });

  it.each(['', '10 Gi', '10gb', '-1Gi', '1e3'])('refuses %j', (text) => {
    expect(parseMemory(text)).toBeUndefined();
    expect(parseCpu(text)).toBeUndefined();
  });

  it('writes memory for reading', () => {
    expect(memoryText(1.5 * 1024 ** 3)).toBe('1.5 GiB');
    expect(memoryText(512 * 1024 ** 2)).toBe('512 MiB');
  });
});
