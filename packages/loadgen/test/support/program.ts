import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

export type ProgramName = 'cli' | 'demo-cli' | 'bench-cli' | 'soak-cli';

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** One run of a program of this package, in a directory for temporary files of its own. */
class Program {
  readonly directory: string;
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #closed: Promise<unknown>;
  readonly #output = { stdout: '', stderr: '' };

  constructor(name: ProgramName, argv: readonly string[]) {
    this.directory = mkdtempSync(join(tmpdir(), 'schooldb-loadgen-test-'));
    // The servers of the cluster run as another user when the test runs as root.
    chmodSync(this.directory, 0o755);
    const script = fileURLToPath(new URL(`../../src/${name}.ts`, import.meta.url));
    this.#child = spawn(process.execPath, [script, ...argv], {
      cwd: this.directory,
      env: { ...process.env, TMPDIR: this.directory },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of ['stdout', 'stderr'] as const)
      this.#child[stream].setEncoding('utf8').on('data', (text: string) => (this.#output[stream] += text));
    this.#closed = once(this.#child, 'close');
  }

  /** Waits until the program has said something on stderr. */
  said(text: string): Promise<void> {
    return this.#wrote('stderr', text);
  }

  /** Waits until the program has said something on stdout. */
  prints(text: string): Promise<void> {
    return this.#wrote('stdout', text);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  async end(): Promise<Ended> {
    await this.#closed;
    return { code: this.#child.exitCode, ...this.#output };
  }

  /** A file that the program wrote into its directory. */
  json(name: string): unknown {
    return JSON.parse(readFileSync(join(this.directory, name), 'utf8'));
  }

  async #wrote(stream: 'stdout' | 'stderr', text: string): Promise<void> {
    while (!this.#output[stream].includes(text)) {
      if (this.#child.exitCode !== null)
        throw new Error(`ended without saying '${text}': ${this.#output.stderr}`);
      await Promise.race([once(this.#child[stream], 'data'), this.#closed]);
    }
  }

  /** What it left behind among the temporary files. */
  left(): string[] {
    return readdirSync(this.directory);
  }

  dispose(): void {
    this.#child.kill('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Starts a program that goes, with all it left, when the test is over. */
export function start(name: ProgramName, argv: readonly string[]): Program {
  const program = new Program(name, argv);
  onTestFinished(() => program.dispose());
  return program;
}

export function run(name: ProgramName, ...argv: string[]): Promise<Ended> {
  return start(name, argv).end();
}
