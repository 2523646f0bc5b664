import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { ClusterAddress } from '../crowd/serve.ts';

const CLOSING_MS = 15_000;

/** The app in a process of its own, and what it says of itself. */
export class AppProcess implements AsyncDisposable {
  readonly address: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, address: string) {
    this.#child = child;
    this.address = address;
  }

  static async start({ endpoints, database, user, password, ca }: ClusterAddress): Promise<AppProcess> {
    const child = fork(new URL('app-main.ts', import.meta.url), {
      execArgv: ['--expose-gc'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    return new AppProcess(child, await ask(child, { endpoints, database, user, password, ca }));
  }

  /** Counts of `/metrics` without labels, by name, after everything that nobody needs is gone. */
  async metrics(): Promise<ReadonlyMap<string, number>> {
    await ask(this.#child, 'collect');
    const answer = await fetch(`${this.address}/metrics`);
    const lines = (await answer.text()).matchAll(/^(\w+) (\S+)$/gm);
    return new Map([...lines].map(([, name = '', value]) => [name, Number(value)]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!isRunning(this.#child)) return;
    const ended = once(this.#child, 'exit');
    // This is how it notices that nobody wants it any more.
    if (this.#child.connected) this.#child.disconnect();
    const impatience = setTimeout(() => this.#child.kill('SIGKILL'), CLOSING_MS);
    await ended;
    clearTimeout(impatience);
  }
}

/** @throws if it ends without an answer. */
async function ask(child: ChildProcess, question: string | ClusterAddress): Promise<string> {
  const settled = new AbortController();
  const ended = once(child, 'exit', { signal: settled.signal }).then(([code, signal]) => {
    throw new Error(`the app has ended by itself: ${String(signal ?? `exit code ${code}`)}`);
  });
  try {
    if (!isRunning(child)) throw new Error('the app has ended by itself');
    const answered = once(child, 'message', { signal: settled.signal }).then(([answer]) => String(answer));
    child.send(question);
    return await Promise.race([answered, ended]);
  } finally {
    ended.catch(() => {});
    settled.abort();
  }
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}
