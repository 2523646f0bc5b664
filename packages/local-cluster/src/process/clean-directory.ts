import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { unmountBelow } from './mounts.ts';
import { killTree, removeSharedMemory } from './process-tree.ts';

/** Removes a cluster's directory, with whatever still runs in it, the shared memory it holds and what is mounted in it. */
export async function cleanDirectory(directory: string): Promise<void> {
  await killTree(undefined, directory);
  const names = await readdir(directory).catch(() => []);
  for (const name of names) await removeSharedMemory(join(directory, name, 'data'));
  await unmountBelow(directory);
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
}
