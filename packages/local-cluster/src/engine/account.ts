import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Account } from '../process/children.ts';
import { ClusterError } from '../errors.ts';

const CANDIDATES = ['postgres', 'nobody'];

/** Whom servers run as: PostgreSQL and PgBouncer refuse root, an ordinary user runs them itself. */
export function serverAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  for (const candidate of CANDIDATES) {
    const found = accounts.find(([name]) => name === candidate);
    const [name, , uid, gid] = found ?? [];
    // macOS writes nobody as -2, which is no argument for setuid.
    if (name !== undefined && Number(uid) > 0 && Number(gid) > 0)
      return { name, uid: Number(uid), gid: Number(gid) };
  }
  throw new ClusterError(
    'environment',
    `PostgreSQL refuses to run as root and /etc/passwd has none of the accounts ${CANDIDATES.join(', ')}: run as an ordinary user`,
  );
}

/** Refuses a directory that servers could not enter: root may well have put it below one of its own. */
export async function requireReachable(directory: string, { uid, gid, name }: Account): Promise<void> {
  try {
    await promisify(execFile)('/bin/sh', ['-c', 'cd "$1"', 'sh', directory], { cwd: '/', uid, gid });
  } catch (error) {
    throw new ClusterError(
      'environment',
      `${directory} can't be reached by the account ${name}, which servers run as: choose a dataDirectory whose parents others may enter`,
      { cause: error },
    );
  }
}
