import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** The name under which file systems of ours are mounted: no other is ever touched. */
export const MOUNT_SOURCE = 'schooldb';

/** Unmounts our file systems below a directory; one that is still used goes when its last user does. */
export async function unmountBelow(directory: string): Promise<void> {
  for (const path of (await mountsBelow(directory)).toReversed()) {
    await promisify(execFile)('umount', [path]).catch(() =>
      promisify(execFile)('umount', ['-l', path]).catch(() => undefined),
    );
  }
}

/** Where file systems of ours are mounted below a directory, in the order in which they were; Linux only. */
export async function mountsBelow(directory: string): Promise<string[]> {
  const table = await readFile('/proc/self/mounts', 'utf8').catch(() => '');
  return table
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([source]) => source === MOUNT_SOURCE)
    .map(([, path = '']) => unescape(path))
    .filter((path) => path.startsWith(`${directory}/`));
}

/** proc(5), fstab(5): spaces, tabs, newlines and backslashes are written as octal numbers. */
function unescape(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
