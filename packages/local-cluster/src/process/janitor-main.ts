/**
 * Waits for its pipe to end. After a goodbye it leaves; without one the supervisor was killed, and
 * whatever it started is stopped and whatever it made is removed.
 */
import { rm } from 'node:fs/promises';
import { cleanDirectory } from './clean-directory.ts';
import { readJsonLines } from './json-lines.ts';
import type { JanitorNote } from './janitor.ts';
import { isRunning, serverProcessesIn, type ProcessId } from './process-table.ts';
import { killTree } from './process-tree.ts';
import { waitFor } from './wait.ts';

/** An immediate shutdown takes some 50 ms; a frozen server never answers and is killed after this. */
const SHUTDOWN_WITHIN_MS = 3_000;

const processes = new Map<number, ProcessId>();
const directories = new Set<string>();
const files = new Set<string>();
let goodbye = false;

readJsonLines(
  process.stdin,
  (value) => take(value as JanitorNote),
  () => undefined,
);
process.stdin.on('end', () => void (goodbye ? undefined : cleanUp()));
// A Ctrl-C in a terminal or a shutdown of the session is for the others: what is left is still ours.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

function take(note: JanitorNote): void {
  switch (note.note) {
    case 'directory':
      directories.add(note.path);
      break;
    case 'file':
      files.add(note.path);
      break;
    case 'started':
      processes.set(note.process.pid, note.process);
      break;
    case 'ended':
      processes.delete(note.pid);
      break;
    case 'goodbye':
      goodbye = true;
      break;
  }
}

async function cleanUp(): Promise<void> {
  const alive = [...processes.values()].filter(isRunning);
  // SIGQUIT is PostgreSQL's immediate shutdown: it gives its shared memory back, which SIGKILL can't.
  for (const { pid } of alive) trySignal(pid, 'SIGQUIT');
  await waitFor(() => alive.every((id) => !isRunning(id)) && leftovers().length === 0, {
    timeoutMs: SHUTDOWN_WITHIN_MS,
  });
  for (const id of alive) if (isRunning(id)) await killTree(id, '/nonexistent');
  for (const directory of directories) await cleanDirectory(directory);
  for (const file of files) await rm(file, { force: true });
}

function leftovers(): unknown[] {
  return [...directories].flatMap((directory) => serverProcessesIn(directory));
}

function trySignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // gone meanwhile
  }
}
