import { execFile } from 'node:child_process';
import { open, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ClusterError, messageOf } from '../errors.ts';
import type { Account } from '../process/children.ts';
import { MOUNT_SOURCE } from '../process/mounts.ts';

/** What takes the room; PostgreSQL ignores files in its data directory that it does not know. */
export const FILL_FILE = 'schooldb-disk-full';

const MEBIBYTE = 1_048_576;
/** The smallest a write is given room for: a page of memory. */
const BLOCK = 4_096;
/** PostgreSQL gives room back now and then: a removed segment, a temporary file that could not be written. */
const LOOK_MS = 100;

/**
 * A file system in memory of one server's own, mounted at its data directory or above it, which can be filled. Its
 * end is not its own business: whoever cleans the cluster's directory unmounts what is mounted below it.
 */
export class DataDisk {
  readonly #directory: string;
  #filling: { end: AbortController; done: Promise<void> } | undefined;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** @throws ClusterError where this process may not mount, with what to do. */
  static async mount(directory: string, megabytes: number, account: Account | undefined): Promise<DataDisk> {
    const refuse = (why: string) =>
      new ClusterError(
        'environment',
        `option diskMb: ${why}; it needs Linux and root with CAP_SYS_ADMIN, to mount a file system for each server: run as root, or leave diskMb out (then there is no fault disk-full)`,
      );
    if (process.platform !== 'linux') throw refuse(`this is ${process.platform}`);
    if (account === undefined) throw refuse('this process is not root');
    const options = `size=${megabytes}m,mode=0700,uid=${account.uid},gid=${account.gid}`;
    try {
      await promisify(execFile)('mount', ['-t', 'tmpfs', '-o', options, MOUNT_SOURCE, directory]);
    } catch (error) {
      throw refuse(`a file system can't be mounted (${messageOf(error).trim().split('\n').at(-1)})`);
    }
    return new DataDisk(directory);
  }

  get full(): boolean {
    return this.#filling !== undefined;
  }

  /** Resolves when not one block is left. What is given back meanwhile is taken as well, until `free()`. */
  async fill(): Promise<void> {
    if (this.#filling !== undefined) return;
    const end = new AbortController();
    this.#filling = { end, done: Promise.resolve() };
    await this.#takeAll();
    if (!end.signal.aborted) this.#filling.done = this.#keepFull(end.signal);
  }

  async free(): Promise<void> {
    const filling = this.#filling;
    filling?.end.abort();
    await filling?.done;
    this.#filling = undefined;
    await rm(join(this.#directory, FILL_FILE), { force: true });
  }

  async #keepFull(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
      // What can't be written now may be in a moment, or never again: the cluster may be on its way out.
      if (!signal.aborted) await this.#takeAll().catch(() => undefined);
    }
  }

  async #takeAll(): Promise<void> {
    const { bavail } = await statfs(this.#directory);
    if (bavail === 0) return;
    const file = await open(join(this.#directory, FILL_FILE), 'a', 0o600);
    try {
      for (const size of [MEBIBYTE, BLOCK]) await writeUntilFull(file, Buffer.alloc(size));
    } finally {
      await file.close();
    }
  }
}

async function writeUntilFull(file: Awaited<ReturnType<typeof open>>, bytes: Buffer): Promise<void> {
  try {
    for (;;) await file.write(bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}
