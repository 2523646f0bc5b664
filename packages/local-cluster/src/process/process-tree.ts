import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  descendantsOf,
  isRunning,
  readProcess,
  serverProcessesIn,
  type ProcessEntry,
  type ProcessId,
} from './process-table.ts';
import { waitFor } from './wait.ts';

/** Far beyond what the kernel needs, also with a process in uninterruptible sleep on a slow disk. */
const GONE_WITHIN_MS = 30_000;

/**
 * Kills a server with everything that belongs to it and returns when all of it is gone.
 *
 * The parent is stopped first, so that it forks no more while its children are collected; a backend
 * left over would go on answering COMMIT although its postmaster is dead.
 */
export async function killTree(root: ProcessId | undefined, directory: string): Promise<void> {
  if (root !== undefined && isRunning(root)) signalProcess(root.pid, 'SIGSTOP');
  const gone = await waitFor(
    () => {
      const members = membersOf(root, directory);
      for (const { pid } of members) signalProcess(pid, 'SIGKILL');
      return members.length === 0;
    },
    { timeoutMs: GONE_WITHIN_MS, everyMs: 3 },
  );
  if (gone === undefined) {
    const left = membersOf(root, directory).map(({ pid, state }) => `${pid} (${state})`);
    throw new Error(`processes ${left.join(', ')} survive SIGKILL for ${GONE_WITHIN_MS} ms`);
  }
  await removeSharedMemory(directory);
}

/** Kills one process that has no children. */
export function killProcess(id: ProcessId): void {
  if (isRunning(id)) signalProcess(id.pid, 'SIGKILL');
}

/** Stops one process and returns when it is stopped; its children go on. */
export async function freezeProcess(id: ProcessId): Promise<void> {
  signalProcess(id.pid, 'SIGSTOP');
  const stopped = await waitFor(() => readProcess(id.pid)?.state.startsWith('T') !== false, {
    timeoutMs: GONE_WITHIN_MS,
    everyMs: 3,
  });
  if (stopped === undefined) throw new Error(`process ${id.pid} could not be stopped`);
}

/** Lets one stopped process go on. */
export function thawProcess(id: ProcessId): void {
  if (isRunning(id)) signalProcess(id.pid, 'SIGCONT');
}

/** Stops a server with everything that belongs to it and returns when every process is stopped. */
export async function freezeTree(root: ProcessId, directory: string): Promise<void> {
  signalProcess(root.pid, 'SIGSTOP');
  const stopped = await waitFor(
    () => {
      const moving = membersOf(root, directory).filter(({ state }) => !state.startsWith('T'));
      for (const { pid } of moving) signalProcess(pid, 'SIGSTOP');
      return moving.length === 0;
    },
    { timeoutMs: GONE_WITHIN_MS, everyMs: 3 },
  );
  if (stopped === undefined) throw new Error(`process tree of ${root.pid} could not be stopped`);
}

/** Lets a frozen server go on: the children first, so that the postmaster finds them as they were. */
export function thawTree(root: ProcessId, directory: string): void {
  for (const { pid } of membersOf(root, directory).toReversed()) signalProcess(pid, 'SIGCONT');
}

/**
 * Removes the System V segment that a killed postmaster leaves behind. PostgreSQL recycles it only
 * when it starts again in the same directory, which a directory that is deleted never does.
 */
export async function removeSharedMemory(dataDirectory: string): Promise<void> {
  let id: string | undefined;
  try {
    // Line 7 of postmaster.pid is "key id" (src/include/utils/pidfile.h).
    id = readFileSync(join(dataDirectory, 'postmaster.pid'), 'utf8').split('\n')[6]?.trim().split(/\s+/)[1];
  } catch {
    return;
  }
  if (id === undefined || !/^\d+$/.test(id)) return;
  await promisify(execFile)('ipcrm', ['-m', id]).catch(() => undefined); // already gone, or no such tool
}

function membersOf(root: ProcessId | undefined, directory: string): ProcessEntry[] {
  const members = new Map<number, ProcessEntry>();
  if (root !== undefined && isRunning(root)) {
    const entry = readProcess(root.pid);
    if (entry !== undefined) members.set(root.pid, entry);
    for (const child of descendantsOf([root.pid])) members.set(child.pid, child);
  }
  for (const entry of serverProcessesIn(directory)) members.set(entry.pid, entry);
  return [...members.values()];
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
