import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { eventually } from './clients.ts';

export const OWNER = fileURLToPath(new URL('./owner.ts', import.meta.url));
export const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));

export interface NodeProcess {
  pid: number;
  child: ChildProcess;
  stdout: string;
  stderr: string;
  /** Resolves with exit code or signal when the process has ended and everything it said is read. */
  ended: Promise<number | NodeJS.Signals | null>;
}

export interface SpawnNodeOptions {
  node?: string;
  uid?: number;
  gid?: number;
  env?: NodeJS.ProcessEnv;
}

export function spawnNode(
  args: readonly string[],
  { node = process.execPath, env = {}, ...identity }: SpawnNodeOptions = {},
): NodeProcess {
  const { NODE_OPTIONS: _vitest, ...inherited } = process.env;
  const child = spawn(node, args, {
    cwd: '/',
    env: { ...inherited, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...identity,
  });
  const run: NodeProcess = {
    pid: child.pid ?? 0,
    child,
    stdout: '',
    stderr: '',
    ended: new Promise((resolve) => child.once('close', (code, signal) => resolve(code ?? signal))),
  };
  child.stdout.on('data', (bytes) => (run.stdout += String(bytes)));
  child.stderr.on('data', (bytes) => (run.stderr += String(bytes)));
  return run;
}

/** The first line of what it prints, read as JSON. */
export async function firstLine<T>(run: NodeProcess, timeoutMs?: number): Promise<T> {
  const line = await eventually(() => run.stdout.includes('\n') && run.stdout.split('\n')[0], timeoutMs);
  return JSON.parse(line) as T;
}
