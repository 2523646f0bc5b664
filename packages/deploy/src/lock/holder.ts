import { randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';

/** Whoever holds the lock. */
export interface Holder {
  /** Different for each run; what comes before the second slash is for people. */
  readonly identity: string;
  /** By which a process on the same machine can tell whether this one still runs; undefined outside Linux. */
  readonly process: string | undefined;
}

/** This run. */
export function thisRun(): Holder {
  const identity = `${userName()}@${hostname()}/${process.pid}/${randomBytes(4).toString('hex')}`;
  return { identity, process: processMark(process.pid) };
}

/** As people are told of it. */
export function holderText(identity: string): string {
  const [who = identity, pid] = identity.split('/');
  return pid === undefined ? who : `${who} (process ${pid})`;
}

/**
 * Whether a process is known to be dead: it ran on this machine, since its last start, and its number is free or another's.
 * False means unknown.
 */
export function isDead(mark: string): boolean {
  const [machine, namespace, pid = ''] = mark.split(' ');
  const [ourMachine, ourNamespace] = (processMark(process.pid) ?? '').split(' ');
  if (machine !== ourMachine || namespace !== ourNamespace || !/^\d+$/.test(pid)) return false;
  return processMark(Number(pid)) !== mark;
}

/** The start of the machine, the namespace in which process numbers count, the number, and when it started. */
function processMark(pid: number): string | undefined {
  try {
    const machine = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const namespace = readlinkSync('/proc/self/ns/pid');
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Its name, in brackets, may hold spaces. The start is the 22nd field, see proc_pid_stat(5).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state] = fields;
    // A zombie does nothing any more.
    if (state === 'Z' || state === 'X') return undefined;
    return `${machine} ${namespace} ${pid} ${fields[19] ?? ''}`;
  } catch {
    return undefined;
  }
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under a number without a name.
    return `uid-${process.getuid?.() ?? '?'}`;
  }
}
