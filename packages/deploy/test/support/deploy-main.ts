/**
 * `deploy:lab` in a process of its own, quick to try again, with the lab's addresses led to servers on this machine: those
 * in the file that `DEPLOY_TEST_PLACES` names, which is there once the servers are.
 */
import { readFileSync } from 'node:fs';
import { runCli } from '../../src/cli/run-cli.ts';
import type { Reach, Reached } from '../../src/operations/reach.ts';
import { QUICK } from './pace.ts';

const reach: Reach = ({ host }) => {
  const places = JSON.parse(readFileSync(process.env['DEPLOY_TEST_PLACES'] ?? '', 'utf8')) as unknown;
  const found = (places as Readonly<Record<string, Reached>>)[host];
  if (found === undefined) throw new Error(`${host} is no address of the lab`);
  return found;
};

process.exitCode = await runCli(
  process.argv.slice(2),
  { environment: process.env, signal: new AbortController().signal, pace: QUICK, reach },
  {
    out: (line) => process.stdout.write(`${line}\n`),
    err: (line) => process.stderr.write(`${line}\n`),
  },
);
