import { chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Account } from '../process/children.ts';

/** An authority, a certificate it has signed, and the key of that. */
export interface CertificateFiles {
  caFile: string;
  certificateFile: string;
  keyFile: string;
}

/** Where things are inside the cluster's own directory, what servers show to clients among them. */
export interface Layout extends CertificateFiles {
  directory: string;
  /** What Patroni and etcd show to each other. */
  control: CertificateFiles;
  serverDirectory(name: string): string;
}

export function layoutOf(directory: string): Layout {
  return {
    directory,
    caFile: join(directory, 'ca.crt'),
    certificateFile: join(directory, 'server.crt'),
    keyFile: join(directory, 'server.key'),
    control: {
      caFile: join(directory, 'control-ca.crt'),
      certificateFile: join(directory, 'control.crt'),
      keyFile: join(directory, 'control.key'),
    },
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
