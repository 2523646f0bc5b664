import { spawn } from 'node:child_process';

/** The result of a program that was run to its end. */
export interface Finished {
  readonly ok: boolean;
  /** What it printed, both streams as they came. */
  readonly output: string;
}

/**
 * Runs a program to its end.
 *
 * @param show - whether its output is passed on while it runs.
 */
export function runToEnd(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; show?: boolean } = {},
): Promise<Finished> {
  const { cwd = process.cwd(), env = process.env, show = false } = options;
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const take = (chunk: Buffer) => {
      output += chunk.toString();
      if (show) process.stdout.write(chunk);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', (error) => resolve({ ok: false, output: `${output}${error.message}\n` }));
    child.on('close', (code) => resolve({ ok: code === 0, output }));
  });
}
