#!/usr/bin/env node
/**
 * `pnpm deploy:lab`. This file alone deals with the process; exit codes: 0 done, 1 failed, 2 wrong usage, 3 the lab.yaml
 * has mistakes.
 */
import { runCli } from './cli/run-cli.ts';

// The reader may have seen enough (`| head`).
process.stdout.on('error', () => process.exit(0));

process.exitCode = await runCli(process.argv.slice(2), process.env, {
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
});
