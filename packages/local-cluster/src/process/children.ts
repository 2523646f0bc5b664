import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { serverEnvironment } from './environment.ts';
import type { Janitor } from './janitor.ts';
import { readProcess, type ProcessId } from './process-table.ts';

/** The account that servers run under: another one when we are root, since they refuse root. */
export interface Account {
  uid: number;
  gid: number;
  name: string;
}

const LOOKED_AT_LINES = 30;
const SHOWN_LINES = 3;

export interface SpawnOptions {
  /** Working directory, and by it the directory the process can be found in. */
  cwd: string;
  /** Where its output is appended. */
  logFile: string;
  /** Beside what every server gets. */
  env?: Readonly<Record<string, string>>;
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface Child extends ProcessId {
  readonly exited: Promise<Exit>;
}

/** Starts processes that don't outlive the supervisor, under the servers' account. */
export class Children {
  readonly #janitor: Janitor;
  readonly #home: string;
  /** Undefined where nothing is switched. */
  readonly account: Account | undefined;

  constructor(janitor: Janitor, home: string, account: Account | undefined) {
    this.#janitor = janitor;
    this.#home = home;
    this.account = account;
  }

  async spawn(
    program: string,
    args: readonly string[],
    { cwd, logFile, env = {} }: SpawnOptions,
  ): Promise<Child> {
    const log = openSync(logFile, 'a', 0o600);
    const child = spawn(program, args, {
      cwd,
      env: { ...serverEnvironment(this.#home), ...env },
      stdio: ['ignore', log, log],
      // A group of its own: no terminal's Ctrl-C reaches it.
      detached: true,
      ...(this.account === undefined ? {} : { uid: this.account.uid, gid: this.account.gid }),
    });
    closeSync(log);
    const exited = new Promise<Exit>((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    const pid = child.pid as number;
    const startedAt = readProcess(pid)?.startedAt ?? '';
    this.#janitor.processStarted({ pid, startedAt });
    void exited.then(() => this.#janitor.processEnded(pid));
    return { pid, startedAt, exited };
  }

  /** Runs a program to its end. Rejects with the last lines of its output. */
  async run(program: string, args: readonly string[], options: SpawnOptions): Promise<void> {
    const child = await this.spawn(program, args, options);
    const { code, signal } = await child.exited;
    if (code === 0) return;
    throw new Error(
      `${basename(program)} ended with ${signal ?? `exit code ${code}`}: ${lastWords(options.logFile)}`,
    );
  }
}

/** What a program says about its failure, as one line: its last lines, and its first complaint before them. */
export function lastWords(logFile: string): string {
  try {
    const lines = readFileSync(logFile, 'utf8').trim().split('\n').slice(-LOOKED_AT_LINES);
    const last = lines.slice(-SHOWN_LINES);
    const first = lines.find((line) => /\b(?:FATAL|PANIC|ERROR|error)\b/.test(line)) ?? '';
    const shown = last.includes(first) ? last : [first, ...last];
    return (
      shown
        .map((line) => line.trim())
        .filter(Boolean)
        .join(' | ') || 'no output'
    );
  } catch {
    return 'no output';
  }
}
