import { describe, expect, it } from 'vitest';
import { recognise } from './preamble.ts';

function words(...numbers: number[]): Buffer {
  const bytes = Buffer.alloc(numbers.length * 4);
  for (const [index, number] of numbers.entries()) bytes.writeUInt32BE(number, index * 4);
  return bytes;
}

describe('recognise', () => {
  it.each([
    ['ssl-request', words(8, 80_877_103)],
    ['gss-request', words(8, 80_877_104)],
    ['other', words(16, 80_877_102, 1, 2)],
    ['startup', words(40, 196_608)],
    ['startup', words(40, 196_610)],
    ['direct-tls', Buffer.from([0x16, 3, 1])],
    ['other', Buffer.from('GET / HTTP/1.1\r\n')],
    ['other', words(12, 80_877_103)],
    [undefined, words(8, 80_877_103).subarray(0, 7)],
    [undefined, Buffer.alloc(0)],
  ])('finds %s', (found, bytes) => {
    expect(recognise(bytes)).toBe(found);
  });
});
