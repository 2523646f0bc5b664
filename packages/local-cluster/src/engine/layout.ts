import { chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Account } from '../process/children.ts';

/** Where things are inside the cluster's own directory. */
export interface Layout {
  directory: string;
  caFile: string;
  certificateFile: string;
  keyFile: string;
  serverDirectory(name: string): string;
}

export function layoutOf(directory: string): Layout {
  return {
    directory,
    caFile: join(directory, 'ca.crt'),
    certificateFile: join(directory, 'server.crt'),
    keyFile: join(directory, 'server.key'),
    serverDirectory: (name) => join(directory, name),
  };
}

/** A directory that servers work in and nobody else looks into. */
export async function makeServerDirectory(path: string, account: Account | undefined): Promise<void> {
  await mkdir(path, { mode: 0o700, recursive: true });
  if (account !== undefined) await chown(path, account.uid, account.gid);
}

/** A file that servers read: theirs, and closed to everybody else, as PostgreSQL demands of its key. */
export async function writeServerFile(
  path: string,
  content: string,
  account: Account | undefined,
): Promise<void> {
  await writeFile(path, content, { mode: 0o600 });
  if (account !== undefined) await chown(path, account.uid, account.gid);
}
