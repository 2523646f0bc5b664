import { readFileSync, readlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ServerState } from '../../cluster.ts';
import type { Address } from '../../endpoint.ts';
import { SUPERUSER } from '../../options.ts';
import { lastWords, type Child, type Children } from '../../process/children.ts';
import { isRunning, readProcess, serverProcessesIn, type ProcessId } from '../../process/process-table.ts';
import {
  freezeProcess,
  freezeTree,
  killProcess,
  killTree,
  removeSharedMemory,
  thawProcess,
  thawTree,
} from '../../process/process-tree.ts';
import { waitFor } from '../../process/wait.ts';
import { DataDisk } from '../data-disk.ts';
import { makeServerDirectory, writeServerFile } from '../layout.ts';
import { withSession, type Session, type SessionOptions } from '../sql.ts';
import { AgentClient, type AgentAnswer } from './agent-client.ts';
import { dataDirectoryOf, patroniConfiguration, type NodeSettings } from './configuration.ts';

/** How long a killed process may take to be gone, far beyond what the kernel needs. */
const GONE_WITHIN_MS = 30_000;

export interface NodeNeeds extends Omit<NodeSettings, 'replayDelayMs'> {
  patroni: string;
  children: Children;
  ca: string;
}

/**
 * One node: a directory, Patroni's agent, and the PostgreSQL server that the agent starts. The server is
 * nobody's child and outlives its agent; it is found by its directory.
 */
export class PatroniNode {
  readonly name: string;
  readonly dataDirectory: string;
  readonly logFile: string;
  readonly agent: AgentClient;
  readonly #needs: NodeNeeds;
  readonly #configurationFile: string;
  #child: Child | undefined;
  #disk: DataDisk | undefined;
  #agentFrozen = false;
  #frozen = false;
  #frozenPostmaster: ProcessId | undefined;
  #replayDelayMs = 0;
  /** Called when the agent ends without having been told to. */
  onAgentLost: (() => void) | undefined;
  #answer: AgentAnswer | undefined;
  /** Since it was started. */
  #agentHasAnswered = false;
  /** It is to read its configuration again. */
  #reloadDue = false;

  constructor(needs: NodeNeeds) {
    this.#needs = needs;
    this.name = needs.name;
    this.dataDirectory = dataDirectoryOf(needs);
    this.logFile = join(needs.directory, 'log');
    this.#configurationFile = join(needs.directory, 'patroni.yml');
    this.agent = new AgentClient(needs.addresses.rest, needs.secrets.agent);
  }

  get address(): Address {
    return this.#needs.addresses.postgres;
  }

  /** What the agent said last; undefined when it did not answer. */
  get answer(): AgentAnswer | undefined {
    return this.#answer;
  }

  /** Where the cluster was started with `diskMb`. */
  get disk(): DataDisk | undefined {
    return this.#disk;
  }

  get agentRuns(): boolean {
    return this.#child !== undefined;
  }

  get agentFrozen(): boolean {
    return this.#agentFrozen;
  }

  get frozen(): boolean {
    return this.#frozen;
  }

  get replayDelayMs(): number {
    return this.#replayDelayMs;
  }

  /** The postmaster alone is stopped: open connections answer, new ones hang. */
  get postmasterFrozen(): boolean {
    return this.#frozenPostmaster !== undefined && isRunning(this.#frozenPostmaster);
  }

  get state(): ServerState {
    if (this.#frozen) return 'frozen';
    if (this.postmaster() !== undefined) return this.#answer?.state === 'starting' ? 'starting' : 'running';
    if (this.#child === undefined || this.#answer === undefined) return 'stopped';
    if (this.#answer.state === 'creating replica') return 'cloning';
    return this.#answer.state === 'starting' ? 'starting' : 'stopped';
  }

  /** The server's first process, while it runs: no descendant of the agent's. */
  postmaster(): ProcessId | undefined {
    try {
      const file = readFileSync(join(this.dataDirectory, 'postmaster.pid'), 'utf8');
      // Negative: PostgreSQL in single-user mode, by which Patroni recovers after a crash.
      const pid = Number(file.split('\n', 1)[0]);
      const found = pid > 0 ? readProcess(pid) : undefined;
      // The file outlives the process, whose number may be somebody else's by then.
      return readlinkSync(`/proc/${pid}/cwd`) === this.dataDirectory ? found : undefined;
    } catch {
      return undefined;
    }
  }

  async prepare(): Promise<void> {
    const { directory, children, options } = this.#needs;
    await makeServerDirectory(directory, children.account);
    if (options.diskMb !== false) {
      const place = dirname(this.dataDirectory);
      await makeServerDirectory(place, children.account);
      this.#disk = await DataDisk.mount(place, options.diskMb, children.account);
    }
    await this.#writeConfiguration();
  }

  /** Starts the agent, which starts the server or finds it running. */
  async startAgent(): Promise<void> {
    if (this.#child !== undefined) return;
    const child = await this.#needs.children.spawn(this.#needs.patroni, [this.#configurationFile], {
      cwd: this.#needs.directory,
      logFile: this.logFile,
      // By this its processes go their own ways to the other nodes, see NodeNetwork.
      env: { PGHOSTADDR: this.address.host },
    });
    this.#child = child;
    this.#agentFrozen = false;
    this.#agentHasAnswered = false;
    void child.exited.then(() => {
      if (this.#child !== child) return;
      this.#child = undefined;
      this.onAgentLost?.();
    });
  }

  /** Asks the agent how its server is. */
  async look(timeoutMs: number): Promise<void> {
    const child = this.#child;
    this.#answer = await this.agent.ask(timeoutMs);
    if (this.#answer === undefined || child === undefined || this.#child !== child) return;
    this.#agentHasAnswered = true;
    if (this.#reloadDue) this.#reload();
  }

  /** SIGKILL for agent and server; returns when both are gone, as after a crash of the machine. */
  async kill(): Promise<void> {
    const child = this.#forgetAgent();
    await killTree(child, this.#needs.directory);
    await removeSharedMemory(this.dataDirectory);
    this.#frozen = false;
    this.#frozenPostmaster = undefined;
  }

  /** SIGKILL for the server alone; its agent may start it again at once. */
  async killServer(): Promise<void> {
    const postmaster = this.postmaster();
    // It must not start another while its children are collected.
    if (postmaster !== undefined) await freezeProcess(postmaster);
    const processes = serverProcessesIn(this.dataDirectory);
    for (const id of processes) killProcess(id);
    await waitFor(() => !processes.some(isRunning), { timeoutMs: GONE_WITHIN_MS, everyMs: 3 });
  }

  /** SIGKILL for the agent alone. */
  async killAgent(): Promise<void> {
    const child = this.#forgetAgent();
    if (child === undefined) return;
    killProcess(child);
    await waitFor(() => !isRunning(child), { timeoutMs: GONE_WITHIN_MS, everyMs: 3 });
  }

  async freeze(): Promise<void> {
    const root = this.#child ?? this.postmaster();
    if (root === undefined) throw new Error(`${this.name} is not running`);
    this.#frozen = true;
    await freezeTree(root, this.#needs.directory);
  }

  thaw(): void {
    if (!this.#frozen) return;
    this.#frozen = false;
    const root = this.#child ?? this.postmaster();
    if (root !== undefined) thawTree(root, this.#needs.directory);
    this.#frozenPostmaster = undefined;
    this.#agentFrozen = false;
  }

  async freezeAgent(): Promise<void> {
    if (this.#child === undefined) throw new Error(`the agent of ${this.name} is not running`);
    this.#agentFrozen = true;
    await freezeProcess(this.#child);
  }

  thawAgent(): void {
    if (!this.#agentFrozen) return;
    this.#agentFrozen = false;
    if (this.#child !== undefined && !this.#frozen) thawProcess(this.#child);
  }

  async freezePostmaster(): Promise<void> {
    const postmaster = this.postmaster();
    if (postmaster === undefined) throw new Error(`${this.name} is not running`);
    this.#frozenPostmaster = postmaster;
    await freezeProcess(postmaster);
  }

  thawPostmaster(): void {
    const postmaster = this.#frozenPostmaster;
    this.#frozenPostmaster = undefined;
    if (postmaster !== undefined && !this.#frozen) thawProcess(postmaster);
  }

  /** How late it replays while it is a standby; an agent that runs hears of it at once. */
  async delayReplay(delayMs: number): Promise<void> {
    this.#replayDelayMs = delayMs;
    await this.#writeConfiguration();
    this.#reload();
  }

  /** A superuser's connection to the server itself. */
  session<T>(use: (session: Session) => Promise<T>, options?: SessionOptions): Promise<T> {
    const { secrets, ca } = this.#needs;
    const login = { ...this.address, user: SUPERUSER, password: secrets.superuser, ca };
    return withSession(login, use, options);
  }

  lastWords(): string {
    return lastWords(this.logFile);
  }

  /** When it was told to end, that is no loss. */
  #forgetAgent(): Child | undefined {
    const child = this.#child;
    this.#child = undefined;
    this.#agentFrozen = false;
    this.#answer = undefined;
    return child;
  }

  /** One that has only just been started would die of the signal. */
  #reload(): void {
    this.#reloadDue = this.#child !== undefined && !this.#agentHasAnswered;
    if (this.#child !== undefined && !this.#reloadDue) process.kill(this.#child.pid, 'SIGHUP');
  }

  async #writeConfiguration(): Promise<void> {
    const content = patroniConfiguration({ ...this.#needs, replayDelayMs: this.#replayDelayMs });
    await writeServerFile(this.#configurationFile, content, this.#needs.children.account);
  }
}
