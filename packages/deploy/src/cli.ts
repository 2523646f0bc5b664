#!/usr/bin/env node
/**
 * `pnpm deploy:lab`. This file alone deals with the process; its exit codes are in `cli/exit-codes.ts`.
 */
import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { EXIT } from './cli/exit-codes.ts';
import { runCli } from './cli/run-cli.ts';

// The reader may have seen enough (`| head`).
process.stdout.on('error', () => process.exit(0));

const stopping = new AbortController();
// Listened to for good: what draws the progress ends the process where nobody else listens.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // Whoever presses Ctrl-C again is not made to wait.
    if (stopping.signal.aborted) process.exit(EXIT.interrupted);
    stopping.abort();
  });
}

async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  // It takes Ctrl-C for itself.
  terminal.on('SIGINT', () => stopping.abort());
  try {
    // The end of the input is no consent.
    const ended = once(terminal, 'close').then(() => '');
    return await Promise.race([terminal.question(question, { signal: stopping.signal }), ended]);
  } finally {
    terminal.close();
  }
}

process.exitCode = await runCli(
  process.argv.slice(2),
  {
    environment: process.env,
    signal: stopping.signal,
    // Nothing can be drawn on one that has no size.
    isLive: process.stdout.isTTY && process.stdout.columns > 0 && process.env['TERM'] !== 'dumb',
    ask: process.stdin.isTTY && process.stdout.isTTY ? ask : undefined,
  },
  {
    out: (line) => process.stdout.write(`${line}\n`),
    err: (line) => process.stderr.write(`${line}\n`),
  },
);
