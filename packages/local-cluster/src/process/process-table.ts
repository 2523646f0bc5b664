import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';

/** A process as it was seen; pid and start time together name it, since pids are handed out again. */
export interface ProcessId {
  pid: number;
  startedAt: string;
}

export interface ProcessEntry extends ProcessId {
  parent: number;
  /** `T` stopped, `Z` dead but not reaped yet, anything else alive. */
  state: string;
}

const SERVER_PROGRAMS = new Set([
  'postgres',
  'initdb',
  'pgbouncer',
  // Patroni is a Python program, and starts the others.
  'python3',
  'pg_basebackup',
  'pg_controldata',
  'pg_rewind',
  'etcd',
  'haproxy',
]);

/** What the operating system says about a process; undefined when there is none, or only its remains. */
export function readProcess(pid: number): ProcessEntry | undefined {
  const entry = process.platform === 'linux' ? readProc(pid) : runPs(['-p', String(pid)])[0];
  return entry === undefined || entry.state.startsWith('Z') ? undefined : entry;
}

export function isRunning(id: ProcessId): boolean {
  return readProcess(id.pid)?.startedAt === id.startedAt;
}

/** Every process that has one of the given as an ancestor, these not included. */
export function descendantsOf(pids: readonly number[]): ProcessEntry[] {
  const all = listProcesses();
  const family = new Set(pids);
  const found: ProcessEntry[] = [];
  // Children may stand before their parents in the list: repeat until nobody is added.
  for (let before = -1; before !== found.length;) {
    before = found.length;
    for (const entry of all) {
      if (family.has(entry.pid) || !family.has(entry.parent)) continue;
      family.add(entry.pid);
      found.push(entry);
    }
  }
  return found;
}

/**
 * Server programs that work inside a directory, whoever their parent is: the backends of a killed
 * postmaster live on for a while as children of init.
 */
export function serverProcessesIn(directory: string): ProcessEntry[] {
  if (process.platform !== 'linux') {
    return runPs(['-ax'], (command) => isServerCommand(command) && command.includes(directory));
  }
  return listProcesses().filter(({ pid }) => {
    try {
      const workingDirectory = readlinkSync(`/proc/${pid}/cwd`);
      if (workingDirectory !== directory && !workingDirectory.startsWith(`${directory}/`)) return false;
      return SERVER_PROGRAMS.has(programOf(readlinkSync(`/proc/${pid}/exe`)));
    } catch {
      return false; // gone meanwhile, or somebody else's
    }
  });
}

function listProcesses(): ProcessEntry[] {
  if (process.platform !== 'linux') return runPs(['-ax']).filter(({ state }) => !state.startsWith('Z'));
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readProcess(Number(name)))
    .filter((entry) => entry !== undefined);
}

function readProc(pid: number): ProcessEntry | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // proc(5): the second field is the name in parentheses and may hold anything.
  const [state, parent, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { pid, parent: Number(parent), state: state ?? 'Z', startedAt: rest[17] ?? '' };
}

/** `/usr/bin/python3.11 (deleted)` is python3. */
function programOf(path: string): string {
  return basename(path)
    .replace(/ \(deleted\)$/, '')
    .replace(/^(python3)\.\d+$/, '$1');
}

function isServerCommand(command: string): boolean {
  return command.startsWith('postgres:') || SERVER_PROGRAMS.has(basename(command.split(' ', 1)[0] ?? ''));
}

function runPs(
  selection: readonly string[],
  wanted: (command: string) => boolean = () => true,
): ProcessEntry[] {
  let output: string;
  try {
    output = execFileSync('ps', [...selection, '-o', 'pid=,ppid=,state=,lstart=,command='], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    return []; // ps fails when no process matches
  }
  return output.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(\S+\s+\S+\s+\S+\s+\S+\s+\S+)\s+(.*)$/.exec(line);
    if (match === null) return [];
    const [, pid, parent, state, startedAt, command] = match as unknown as [
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    return wanted(command) ? [{ pid: Number(pid), parent: Number(parent), state, startedAt }] : [];
  });
}
