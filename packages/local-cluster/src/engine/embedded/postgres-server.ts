import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServerState } from '../../cluster.ts';
import type { Address } from '../../endpoint.ts';
import { messageOf } from '../../errors.ts';
import { lastWords, type Child, type Children } from '../../process/children.ts';
import { freezeProcess, freezeTree, killTree, thawProcess, thawTree } from '../../process/process-tree.ts';
import { waitFor } from '../../process/wait.ts';
import { findFreePort } from '../../process/ports.ts';
import { writeServerFile } from '../layout.ts';
import { ROLE_FILE, roleConf, type RoleSettings } from './configuration.ts';
import type { DataDisk } from '../data-disk.ts';
import { withSession, type Session, type SessionOptions } from '../sql.ts';

export interface ServerIdentity {
  name: string;
  port: number;
  /** Holds `data` and `log`. */
  directory: string;
  disk?: DataDisk | undefined;
}

/** What changes with the roles. */
type Role = Pick<RoleSettings, 'upstream' | 'confirming'>;

/** What is needed to talk to any server of the cluster. */
export interface Superuser {
  user: string;
  password: string;
  ca: string;
}

/** Crash recovery of what a busy minute has written takes seconds; this is for the slowest of disks. */
const START_WITHIN_MS = 60_000;
/** Fast: until standbys have everything, also under load. Immediate: what no answer comes from is killed. */
const STOP_WITHIN_MS = { fast: 30_000, immediate: 3_000 };
const PORT_ATTEMPTS = 5;

/**
 * One PostgreSQL server: its directory, its process tree and its configuration. It knows nothing of
 * the cluster around it.
 *
 * stopped -> starting -> running <-> frozen; every one of them -> stopped, `cloning` is a stopped
 * server whose directory is being replaced. A server is `stopped` only once its whole tree is gone.
 */
export class PostgresServer {
  readonly name: string;
  #address: Address;
  readonly dataDirectory: string;
  readonly logFile: string;
  readonly #directory: string;
  /** Where its data has a file system of its own. */
  readonly disk: DataDisk | undefined;
  readonly #program: string;
  readonly #children: Children;
  readonly #superuser: Superuser;
  #child: Child | undefined;
  /** The postmaster that was stopped alone. */
  #frozenPostmaster: Child | undefined;
  #state: ServerState = 'stopped';
  #recovering = false;
  #replayDelayMs = 0;
  /** One after the other: the file holds what was asked for last. */
  #writing: Promise<void> = Promise.resolve();
  #role: Role = { upstream: 'nowhere', confirming: undefined };
  /** From its first start on the address is known to others and stays. */
  #addressKnown = false;
  /** Called when the server ends without having been asked to, once nothing of it is left. */
  onLost: (() => void) | undefined;

  constructor(identity: ServerIdentity, program: string, children: Children, superuser: Superuser) {
    this.name = identity.name;
    this.#address = { host: '127.0.0.1', port: identity.port };
    this.#directory = identity.directory;
    this.disk = identity.disk;
    this.dataDirectory = join(identity.directory, 'data');
    this.logFile = join(identity.directory, 'log');
    this.#program = program;
    this.#children = children;
    this.#superuser = superuser;
  }

  get address(): Address {
    return this.#address;
  }

  get state(): ServerState {
    return this.#state;
  }

  /** Its kernel answers on its port, whatever the server itself does. */
  get listens(): boolean {
    return this.#child !== undefined;
  }

  /** The postmaster alone is stopped: open connections answer, new ones hang. */
  get postmasterFrozen(): boolean {
    return this.#child !== undefined && this.#frozenPostmaster === this.#child;
  }

  /** One of its backends crashed: it recovers in place, and takes no connections until it has. */
  get recovering(): boolean {
    return this.#recovering;
  }

  /** Starts the server and waits until it takes connections, a standby once it is consistent. */
  async start(signal?: AbortSignal): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#startOnce(signal);
        this.#addressKnown = true;
        return;
      } catch (error) {
        // Somebody took the port between our look at it and the server's.
        const taken = messageOf(error).includes('Address already in use');
        if (!taken || this.#addressKnown || attempt === PORT_ATTEMPTS) throw error;
        this.#address = { ...this.#address, port: await findFreePort() };
        await this.configure(this.#role);
      }
    }
  }

  async #startOnce(signal: AbortSignal | undefined): Promise<void> {
    const child = await this.#children.spawn(this.#program, ['-D', this.dataDirectory], {
      cwd: this.dataDirectory,
      logFile: this.logFile,
    });
    this.#child = child;
    this.#state = 'starting';
    void child.exited.then(() => this.#ended(child));
    await this.#untilReady(child, signal);
  }

  /** For a start that was cut short: waits on. */
  async untilReady(signal?: AbortSignal): Promise<void> {
    if (this.#child !== undefined) await this.#untilReady(this.#child, signal);
  }

  /** Fast: sessions are ended and everything is sent to the standbys first. Immediate: as in a crash, but nothing stays in memory. */
  async stop(how: 'fast' | 'immediate'): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    // Whoever waits for this server's loss must not take its stop for one.
    this.#child = undefined;
    // Stopped, it would take no order.
    if (this.#frozenPostmaster === child) thawProcess(child);
    if (this.#state !== 'frozen') process.kill(child.pid, how === 'fast' ? 'SIGINT' : 'SIGQUIT');
    else this.#state = 'stopped';
    await Promise.race([child.exited, this.#state === 'stopped' ? undefined : afterMs(STOP_WITHIN_MS[how])]);
    await killTree(child, this.dataDirectory);
    this.#state = 'stopped';
  }

  /** SIGKILL for the whole tree; returns when all of it is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    await killTree(child, this.dataDirectory);
    this.#state = 'stopped';
  }

  async freeze(): Promise<void> {
    if (this.#child === undefined) throw new Error(`${this.name} is not running`);
    this.#state = 'frozen';
    await freezeTree(this.#child, this.dataDirectory);
  }

  thaw(): void {
    if (this.#child === undefined || this.#state !== 'frozen') return;
    thawTree(this.#child, this.dataDirectory);
    this.#frozenPostmaster = undefined;
    this.#state = 'running';
  }

  /** Resolves when the postmaster is stopped. */
  async freezePostmaster(): Promise<void> {
    if (this.#child === undefined) throw new Error(`${this.name} is not running`);
    this.#frozenPostmaster = this.#child;
    await freezeProcess(this.#child);
  }

  /** Where the whole tree is frozen it stays so. */
  thawPostmaster(): void {
    if (this.#child === undefined || !this.postmasterFrozen) return;
    this.#frozenPostmaster = undefined;
    if (this.#state !== 'frozen') thawProcess(this.#child);
  }

  markCloning(cloning: boolean): void {
    this.#state = cloning ? 'cloning' : 'stopped';
  }

  markRecovering(recovering: boolean): void {
    this.#recovering = recovering;
  }

  /** Writes the role's settings; a running server takes them over at once. */
  async configure(role: Role): Promise<void> {
    this.#role = role;
    await this.#writeRole();
  }

  get replayDelayMs(): number {
    return this.#replayDelayMs;
  }

  /** How late it replays while it follows somebody; one that does not run hears of it when it is configured to. */
  async delayReplay(delayMs: number): Promise<void> {
    this.#replayDelayMs = delayMs;
    if (this.#child !== undefined) await this.#writeRole();
  }

  async #writeRole(): Promise<void> {
    const written = this.#writing.then(async () => {
      const content = roleConf({
        ...this.#role,
        name: this.name,
        port: this.#address.port,
        replayDelayMs: this.#replayDelayMs,
      });
      await writeServerFile(join(this.#directory, ROLE_FILE), content, this.#children.account);
      if (this.#child !== undefined && this.#state === 'running') process.kill(this.#child.pid, 'SIGHUP');
    });
    this.#writing = written.catch(() => undefined);
    await written;
  }

  session<T>(use: (session: Session) => Promise<T>, options?: SessionOptions): Promise<T> {
    return withSession({ ...this.#superuser, ...this.address }, use, options);
  }

  async #untilReady(child: Child, signal: AbortSignal | undefined): Promise<void> {
    let ended = false;
    void child.exited.then(() => (ended = true));
    const outcome = await waitFor(
      async () => (ended ? 'ended' : (await this.#postmasterStatus(child.pid)) === 'ready' && 'ready'),
      { timeoutMs: START_WITHIN_MS, signal },
    );
    if (outcome === 'ready' && this.#child === child) {
      if (this.#state === 'starting') this.#state = 'running';
      return;
    }
    const how = outcome === undefined ? `is not ready after ${START_WITHIN_MS} ms` : 'ended while it started';
    throw new Error(`${this.name} ${how}: ${lastWords(this.logFile)}`);
  }

  /** Line 8 of postmaster.pid, which is what pg_ctl goes by (src/include/utils/pidfile.h). */
  async #postmasterStatus(pid: number): Promise<string | undefined> {
    const lines = (await readFile(join(this.dataDirectory, 'postmaster.pid'), 'utf8').catch(() => '')).split(
      '\n',
    );
    return Number(lines[0]) === pid ? lines[7]?.trim() : undefined;
  }

  async #ended(child: Child): Promise<void> {
    if (this.#child !== child) return;
    this.#child = undefined;
    // Backends outlive a killed postmaster and go on answering: the server is gone when they are.
    await killTree(undefined, this.dataDirectory);
    if (this.#child !== undefined) return;
    this.#state = 'stopped';
    this.onLost?.();
  }
}

function afterMs(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms).unref());
}
