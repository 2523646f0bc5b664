/** Programs of this package in processes of their own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Interface } from 'node:readline';
import { onTestFinished } from 'vitest';

export interface StartedProgram {
  readonly lines: Interface;
  /** Once all of its output has been read; null where a signal has ended it. */
  readonly code: Promise<number | null>;
  readonly errors: () => string;
  readonly kill: (signal: NodeJS.Signals) => void;
}

/** Gone at the end of the test at the latest. */
export function startProgram(
  script: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): StartedProgram {
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const errors: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()));
  return {
    lines: createInterface({ input: child.stdout }),
    code: once(child, 'close').then(([code]) => code as number | null),
    errors: () => errors.join(''),
    kill: (signal) => void child.kill(signal),
  };
}
