import { spawn, type ChildProcess } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeJsonLine } from './json-lines.ts';
import { nodeEnvironment } from './environment.ts';
import type { ProcessId } from './process-table.ts';

/** One line of what the janitor is told, see janitor-main.ts. */
export type JanitorNote =
  | { note: 'directory'; path: string }
  | { note: 'file'; path: string }
  | { note: 'started'; process: ProcessId }
  | { note: 'ended'; pid: number }
  | { note: 'goodbye' };

/**
 * A small process of its own that cleans up when the supervisor is killed: it is told of everything
 * that was made, and acts when the pipe ends without a goodbye. It is replaced when it dies itself.
 */
export class Janitor {
  readonly #things = new Map<string, JanitorNote>();
  #process: ChildProcess | undefined;
  #dismissed = false;

  start(): void {
    const child = spawn(
      process.execPath,
      [fileURLToPath(new URL(`janitor-main${extname(import.meta.url)}`, import.meta.url))],
      {
        detached: true,
        stdio: ['pipe', 'ignore', 'ignore'],
        env: nodeEnvironment(),
      },
    );
    this.#process = child;
    child.stdin.on('error', () => undefined); // its exit, below, says the same
    child.on('error', () => undefined);
    child.on('exit', () => {
      if (!this.#dismissed) this.start();
    });
    for (const note of this.#things.values()) writeJsonLine(child.stdin, note);
  }

  ownDirectory(path: string): void {
    this.#keep(`path ${path}`, { note: 'directory', path });
  }

  ownFile(path: string): void {
    this.#keep(`path ${path}`, { note: 'file', path });
  }

  processStarted(id: ProcessId): void {
    this.#keep(`pid ${id.pid}`, { note: 'started', process: id });
  }

  processEnded(pid: number): void {
    this.#things.delete(`pid ${pid}`);
    this.#tell({ note: 'ended', pid });
  }

  /** All is cleaned up: the janitor leaves without doing anything. */
  async dismiss(): Promise<void> {
    this.#dismissed = true;
    const child = this.#process;
    if (child?.stdin == null || child.exitCode !== null) return;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    this.#tell({ note: 'goodbye' });
    child.stdin.end();
    await exited;
  }

  #keep(key: string, note: JanitorNote): void {
    this.#things.set(key, note);
    this.#tell(note);
  }

  #tell(note: JanitorNote): void {
    if (this.#process?.stdin != null) writeJsonLine(this.#process.stdin, note);
  }
}
