import { constants } from 'node:fs';
import { link, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClusterError } from '../errors.ts';
import { isRunning, type ProcessId } from '../process/process-table.ts';

/** How a cluster is found by its name: a small file per user and name. */
export interface NameEntry {
  name: string;
  supervisor: ProcessId;
  socket: string;
}

export const DEFAULT_NAME = 'default';

export function checkName(name: string): string {
  if (/^[a-z0-9][a-z0-9_-]{0,31}$/i.test(name)) return name;
  throw new ClusterError(
    'bad-option',
    `cluster name ${JSON.stringify(name)} (allowed: 1 to 32 letters, digits, _ and -, a letter or digit first)`,
  );
}

export function nameFilePath(name: string): string {
  const user = process.getuid?.() ?? 'user';
  return join(process.env['XDG_RUNTIME_DIR'] ?? tmpdir(), `schooldb-cluster-${user}-${checkName(name)}.json`);
}

/** Takes the name for a cluster that is about to start; refuses when a running one has it. */
export async function claimName(entry: NameEntry): Promise<string> {
  const path = nameFilePath(entry.name);
  const draft = `${path}.${entry.supervisor.pid}`;
  await writeFile(draft, JSON.stringify(entry), { mode: 0o600, flag: 'wx' });
  try {
    for (;;) {
      try {
        // A link appears complete or not at all, and never over an existing file.
        await link(draft, path);
        return path;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const holder = await findByName(entry.name);
      if (holder !== undefined) {
        throw new ClusterError(
          'name-taken',
          `a cluster named ${entry.name} is running already (supervisor ${holder.supervisor.pid}): stop it, or choose another --name`,
        );
      }
    }
  } finally {
    await rm(draft, { force: true });
  }
}

/** The running cluster of that name. The file of one that was killed is removed on the way. */
export async function findByName(name: string): Promise<NameEntry | undefined> {
  const path = nameFilePath(name);
  const entry = await readOwn(path);
  if (entry === undefined) return undefined;
  if (isRunning(entry.supervisor)) return entry;
  await rm(path, { force: true });
  return undefined;
}

async function readOwn(path: string): Promise<NameEntry | undefined> {
  let file;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new ClusterError(
      'environment',
      `${path} can't be read (${(error as NodeJS.ErrnoException).code}): it is not ours, remove it`,
      { cause: error },
    );
  }
  try {
    // Anybody may put a file into the temporary directory: one of somebody else's would lead us to his socket.
    const { uid } = await file.stat();
    if (process.getuid !== undefined && uid !== process.getuid()) {
      throw new ClusterError(
        'environment',
        `${path} belongs to another user (${uid}): remove it, or set XDG_RUNTIME_DIR`,
      );
    }
    return JSON.parse(await file.readFile('utf8')) as NameEntry;
  } finally {
    await file.close();
  }
}
