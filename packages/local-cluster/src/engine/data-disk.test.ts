import { describe, expect, it } from 'vitest';
import { DataDisk } from './data-disk.ts';

describe('DataDisk', () => {
  it('says what it needs where it may not mount', async () => {
    await expect(DataDisk.mount('/nowhere', 256, undefined)).rejects.toThrow(
      /^option diskMb: this (process is not root|is \w+); it needs Linux and root with CAP_SYS_ADMIN, .* or leave diskMb out/,
    );
  });
});
