import { readFile, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Account, Children } from '../../process/children.ts';
import { killProcess } from '../../process/process-tree.ts';
import { FILL_FILE } from '../data-disk.ts';
import { makeServerDirectory, writeServerFile } from '../layout.ts';
import type { Session } from '../sql.ts';
import type { PostgresServer } from './postgres-server.ts';

/** Directories whose contents are left out of a base backup (manual, "Making a Base Backup Using the Low Level API"). */
const EMPTY_DIRECTORIES = [
  'pg_dynshmem',
  'pg_notify',
  'pg_replslot',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
  'pg_wal',
  'pg_wal/archive_status',
];
const LEFT_OUT = new Set([
  ...EMPTY_DIRECTORIES,
  'postmaster.pid',
  'postmaster.opts',
  'standby.signal',
  'recovery.signal',
  'backup_label',
  FILL_FILE,
]);

/** The checkpoint it begins with writes all dirty pages, on the busiest of disks. */
const BACKUP_STATEMENT_MS = 60_000;

/**
 * Replaces a standby's data by a copy of the primary's, which goes on working. The WAL since the
 * beginning of the copy is not copied: the standby's slot keeps it, and it is streamed.
 */
export async function cloneServer(
  primary: PostgresServer,
  standby: PostgresServer,
  children: Children,
  signal: AbortSignal,
): Promise<void> {
  const label = await primary.session(
    async (session) => {
      const [start, stop] = await backupFunctions(session);
      await session.query(start);
      await copyData(primary.dataDirectory, standby.dataDirectory, children, signal);
      const [end] = await session.query<{ labelfile: string }>(stop);
      return end?.labelfile ?? '';
    },
    { timeoutMs: BACKUP_STATEMENT_MS },
  );
  await writeServerFile(join(standby.dataDirectory, 'backup_label'), label, children.account);
  await markStandby(standby.dataDirectory, children.account);
}

/** How a backup begins and ends; they had other names before PostgreSQL 15. */
async function backupFunctions(session: Session): Promise<[start: string, stop: string]> {
  const [row] = await session.query<{ version: number }>(
    "SELECT current_setting('server_version_num')::int AS version",
  );
  return (row?.version ?? 0) >= 150_000
    ? [
        "SELECT pg_backup_start('schooldb clone', fast => true)",
        'SELECT labelfile FROM pg_backup_stop(wait_for_archive => false)',
      ]
    : [
        "SELECT pg_start_backup('schooldb clone', fast => true, exclusive => false)",
        'SELECT labelfile FROM pg_stop_backup(exclusive => false, wait_for_archive => false)',
      ];
}

/** The presence of this file makes a server start as a standby. */
export async function markStandby(dataDirectory: string, account: Account | undefined): Promise<void> {
  await writeServerFile(join(dataDirectory, 'standby.signal'), '', account);
}

/** With cp, in a process of its own: the virtual IPs of this one must not wait for a thousand files. */
async function copyData(from: string, to: string, children: Children, signal: AbortSignal): Promise<void> {
  if ((await readdir(join(from, 'pg_tblspc'))).length > 0) {
    throw new Error("tablespaces can't be cloned: their files lie outside the cluster's directory");
  }
  await makeServerDirectory(to, children.account);
  // The directory itself stays: PostgreSQL finds a killed predecessor's shared memory by its inode and recycles it.
  for (const name of await readdir(to))
    if (name !== FILL_FILE) await rm(join(to, name), { recursive: true, force: true });
  const names = (await readdir(from)).filter((name) => !LEFT_OUT.has(name));
  await runCopy(['-Rp', ...names, to], from, join(dirname(to), 'copy.log'), children, signal);
  for (const name of EMPTY_DIRECTORIES) await makeServerDirectory(join(to, name), children.account);
}

async function runCopy(
  args: readonly string[],
  cwd: string,
  logFile: string,
  children: Children,
  signal: AbortSignal,
): Promise<void> {
  await rm(logFile, { force: true });
  const child = await children.spawn('cp', args, { cwd, logFile });
  const abort = () => killProcess(child);
  signal.addEventListener('abort', abort, { once: true });
  const { code } = await child.exited;
  signal.removeEventListener('abort', abort);
  signal.throwIfAborted();
  if (code === 0) return;
  // A table that was dropped or rewritten meanwhile is missed by cp; the WAL says the same to the standby.
  const complaints = (await readFile(logFile, 'utf8')).trim().split('\n').filter(Boolean);
  const serious = complaints.find((line) => !line.includes('No such file or directory'));
  if (serious !== undefined || complaints.length === 0) throw new Error(serious ?? `cp ended with ${code}`);
}
