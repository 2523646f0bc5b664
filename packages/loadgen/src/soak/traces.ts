import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';

/** A process as it was seen; pid and start time together name it, since pids are handed out again. */
interface Seen {
  pid: number;
  startedAt: string;
}

interface Entry extends Seen {
  parent: number;
}

/** The state of a listening socket in `/proc/net/tcp`. */
const LISTEN = '0A';

/**
 * Everything that a program and its descendants were seen to hold: processes, listening sockets, network namespaces,
 * and a directory for its temporary files. Linux only, from `/proc`.
 */
export class Traces {
  readonly #root: number;
  readonly #place: string;
  readonly #processes = new Map<string, Seen>();
  readonly #sockets = new Map<string, number>();
  readonly #namespaces = new Set<string>();
  readonly #ownNamespace = linkOf('/proc/self/ns/net');

  /** @param place - The directory that it was told to use, and nobody else does. */
  constructor(root: number, place: string) {
    this.#root = root;
    this.#place = place;
  }

  /** Processes seen so far. */
  get processes(): number {
    return this.#processes.size;
  }

  /** Looks at the processes that are there now, and at what they hold. */
  look(): void {
    const all = listProcesses();
    // Whoever was seen once counts as an ancestor for good: its children may have been handed to init meanwhile.
    const family = new Set([this.#root, ...[...this.#processes.values()].map(({ pid }) => pid)]);
    for (let before = -1; before !== family.size;) {
      before = family.size;
      for (const { pid, parent } of all) if (family.has(parent)) family.add(pid);
    }
    for (const entry of all) if (family.has(entry.pid) || this.#isAtHome(entry.pid)) this.#note(entry);
  }

  /** The first process whose command line holds a text, among those seen. */
  find(text: string): number | null {
    return (
      [...this.#processes.values()].find((seen) => isRunning(seen) && commandOf(seen.pid).includes(text))
        ?.pid ?? null
    );
  }

  /** What is left of it all, in words. */
  left(): string[] {
    this.look();
    const listening = new Set(listeningSockets('/proc/self/net').keys());
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
    return [
      ...[...this.#processes.values()]
        .filter(isRunning)
        .map(({ pid }) => `process ${pid} (${commandOf(pid).slice(0, 60).trim()})`),
      ...[...this.#sockets].filter(([inode]) => listening.has(inode)).map(([, port]) => `port ${port}`),
      ...filesIn(this.#place).map((name) => `file ${name}`),
      ...unixSockets()
        .filter((path) => path.includes(this.#place))
        .map((path) => `unix socket ${path}`),
      ...mounts.filter((line) => line.includes(this.#place)).map((line) => `mount ${line.split(' ')[4]}`),
      ...[...this.#namespaces]
        .filter((name) => mounts.some((line) => line.includes(name)) || isInhabited(name))
        .map((name) => `network namespace ${name}`),
    ];
  }

  #note({ pid, startedAt }: Entry): void {
    this.#processes.set(`${pid} ${startedAt}`, { pid, startedAt });
    const listening = listeningSockets(`/proc/${pid}/net`);
    for (const inode of socketsOf(pid)) {
      const port = listening.get(inode);
      if (port !== undefined) this.#sockets.set(inode, port);
    }
    const namespace = linkOf(`/proc/${pid}/ns/net`);
    if (namespace !== null && namespace !== this.#ownNamespace) this.#namespaces.add(namespace);
  }

  /** Servers work inside its directory, whoever started them. */
  #isAtHome(pid: number): boolean {
    return linkOf(`/proc/${pid}/cwd`)?.startsWith(`${this.#place}/`) === true;
  }
}

function listProcesses(): Entry[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => entryOf(Number(name)) ?? []);
}

/** Null for a process that is gone, or dead and not reaped yet. */
function entryOf(pid: number): Entry | null {
  const stat = textOf(`/proc/${pid}/stat`);
  if (stat === null) return null;
  // proc(5): the second field is the name in parentheses and may hold anything.
  const [state, parent, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return state === 'Z' || state === 'X' ? null : { pid, parent: Number(parent), startedAt: rest[17] ?? '' };
}

function isRunning({ pid, startedAt }: Seen): boolean {
  return entryOf(pid)?.startedAt === startedAt;
}

function commandOf(pid: number): string {
  return (textOf(`/proc/${pid}/cmdline`) ?? '').replaceAll('\0', ' ');
}

function socketsOf(pid: number): string[] {
  return filesIn(`/proc/${pid}/fd`).flatMap(
    (fd) => /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${fd}`) ?? '')?.[1] ?? [],
  );
}

/** Ports by the inode of their socket: a port may have another owner by the time one looks again. */
function listeningSockets(directory: string): Map<string, number> {
  const sockets = new Map<string, number>();
  for (const table of ['tcp', 'tcp6'])
    for (const line of (textOf(`${directory}/${table}`) ?? '').split('\n').slice(1)) {
      const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
      if (state === LISTEN) sockets.set(inode!, parseInt(local!.split(':')[1]!, 16));
    }
  return sockets;
}

function unixSockets(): string[] {
  return (textOf('/proc/net/unix') ?? '').split('\n').flatMap((line) => line.trim().split(/\s+/)[7] ?? []);
}

function isInhabited(namespace: string): boolean {
  return listProcesses().some(({ pid }) => linkOf(`/proc/${pid}/ns/net`) === namespace);
}

function filesIn(directory: string): string[] {
  try {
    return existsSync(directory) ? readdirSync(directory) : [];
  } catch {
    return []; // gone meanwhile, or somebody else's
  }
}

function linkOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return null;
  }
}
