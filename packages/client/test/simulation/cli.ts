#!/usr/bin/env node
/**
 * `pnpm simulate`. This file alone deals with arguments, exit codes and process signals: 0 nothing was violated,
 * 1 the simulation itself failed, 2 wrong usage, 10 an invariant was violated, 130 interrupted.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { generate } from './generate.ts';
import { MUTATIONS } from './mutations.ts';
import { historyLines, tallyText, violationText } from './report.ts';
import type { Schedule } from './schedule.ts';
import type { Simulated } from './simulator.ts';
import { explain, replay, simulate } from './simulator.ts';
import type { Tally } from './tally.ts';

const HELP = `Runs the client against a simulated cluster: random schedules of operations and faults, on a virtual clock.

  pnpm simulate [--schedules 10000] [--seed S] [--workers N] [--json FILE|-]
  pnpm simulate --replay SEED|FILE

  --schedules N      how many; 1 or more (10000)
  --seed S           the first seed, an integer; the others follow it (a random one, which is printed)
  --workers N        threads (as many as the machine has cores)
  --replay SEED|FILE one schedule, with everything that happens in it; FILE is what --json wrote, or a schedule
  --json FILE|-      the result as JSON, to a file or to standard output
  --mutation NAME    with a client that is broken on purpose; 'list' shows the names
  --help             this text

Exit codes: 0 nothing was violated, 1 the simulation itself failed, 2 wrong usage, 10 an invariant was violated,
130 interrupted.
`;

class UsageError extends Error {}

interface Arguments {
  readonly schedules: number;
  readonly seed: number;
  readonly workers: number;
  readonly replay: Schedule | undefined;
  readonly json: string | undefined;
  readonly mutation: string | undefined;
}

/** Where the result is JSON on standard output, words go beside it. */
let say = (text: string) => void process.stdout.write(`${text}\n`);

async function main(argv: string[]): Promise<number> {
  const args = readArguments(argv);
  if (args === undefined) return 0;
  if (args.json === '-') say = (text) => void process.stderr.write(`${text}\n`);
  return args.replay === undefined ? runMany(args) : runOne(args, args.replay);
}

async function runMany(args: Arguments): Promise<number> {
  const { schedules, seed, workers } = args;
  const startedAt = performance.now();
  const seconds = () => (performance.now() - startedAt) / 1_000;
  say(`${schedules} schedules from seed ${seed} on ${workers} threads`);
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort());
  const progress = new Progress(schedules, seconds);
  const mutation = args.mutation === undefined ? {} : { mutation: args.mutation };
  const simulated = await simulate({
    schedules,
    seed,
    workers,
    ...mutation,
    signal: interrupted.signal,
    onProgress: (tally) => progress.show(tally),
  });
  progress.end();
  const code = await conclude(args, simulated, seconds());
  if (code !== 0 || !interrupted.signal.aborted) return code;
  say('interrupted');
  return 130;
}

async function conclude(args: Arguments, { tally, failed }: Simulated, seconds: number): Promise<number> {
  if (failed === undefined) {
    say(tallyText(tally, seconds));
    writeJson(args, { tally });
    return 0;
  }
  say(`seed ${failed.seed} violates ${failed.violation.invariant}; looking for a smaller schedule ...`);
  const { schedule, violations, history } = await explain(failed, { mutation: args.mutation });
  const violation = violations[0] ?? failed.violation;
  say(violationText(failed.seed, violation, schedule, history));
  say(`\nrepeat the whole of it: pnpm simulate --replay ${failed.seed}`);
  writeJson(args, { tally, violation: { seed: failed.seed, ...violation }, schedule });
  return 10;
}

async function runOne(args: Arguments, schedule: Schedule): Promise<number> {
  const { violations, history } = await replay(schedule, { mutation: args.mutation });
  say(historyLines(history).join('\n'));
  const words = violations.map(({ invariant, detail }) => `VIOLATION of ${invariant}: ${detail}`);
  say(words.length === 0 ? 'nothing was violated' : words.join('\n'));
  writeJson(args, { schedule, violations });
  return violations.length === 0 ? 0 : 10;
}

function writeJson(args: Arguments, result: Record<string, unknown>): void {
  if (args.json === undefined) return;
  const text = `${JSON.stringify({ schemaVersion: 1, seed: args.seed, ...result }, undefined, 2)}\n`;
  if (args.json === '-') process.stdout.write(text);
  else writeFileSync(args.json, text);
}

/** A line that is written over where there is a terminal, and now and then a new one where there is none. */
class Progress {
  readonly #schedules: number;
  readonly #seconds: () => number;
  #shownAt = 0;

  constructor(schedules: number, seconds: () => number) {
    this.#schedules = schedules;
    this.#seconds = seconds;
  }

  show(tally: Tally): void {
    const seconds = this.#seconds();
    const everySeconds = process.stderr.isTTY ? 0.2 : 10;
    if (seconds - this.#shownAt < everySeconds) return;
    this.#shownAt = seconds;
    const rate = (tally.schedules / seconds).toFixed(0);
    const text = `${tally.schedules} of ${this.#schedules} schedules, ${rate} per second`;
    process.stderr.write(process.stderr.isTTY ? `\r\u001B[K${text}` : `${text}\n`);
  }

  end(): void {
    if (process.stderr.isTTY) process.stderr.write('\r\u001B[K');
  }
}

/** @returns undefined where everything has been said. */
function readArguments(argv: string[]): Arguments | undefined {
  const values = parse(argv);
  if (values.help === true) say(HELP);
  else if (values.mutation === 'list') say(MUTATIONS.map(({ name }) => name).join('\n'));
  else {
    if (values.mutation !== undefined && MUTATIONS.every(({ name }) => name !== values.mutation)) {
      throw new UsageError(`--mutation '${values.mutation}' is none of those that --mutation list shows`);
    }
    return {
      schedules: integer('--schedules', values.schedules ?? '10000', 1, 1e9),
      seed: integer('--seed', values.seed ?? String(Math.floor(Math.random() * 1e9)), 0, 2 ** 31),
      workers: integer('--workers', values.workers ?? String(availableParallelism()), 1, 256),
      replay: values.replay === undefined ? undefined : readSchedule(values.replay),
      json: values.json,
      mutation: values.mutation,
    };
  }
  return undefined;
}

function parse(argv: string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args: argv,
      options: {
        schedules: text,
        seed: text,
        workers: text,
        replay: text,
        json: text,
        mutation: text,
        help: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function integer(name: string, given: string, min: number, max: number): number {
  const value = /^\d+$/.test(given) ? Number(given) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new UsageError(`${name} must be an integer from ${min} to ${max}, but is '${given}'`);
}

function readSchedule(given: string): Schedule {
  if (/^\d+$/.test(given)) return generate(Number(given));
  let content: { schedule?: Schedule } & Partial<Schedule>;
  try {
    content = JSON.parse(readFileSync(given, 'utf8')) as typeof content;
  } catch (error) {
    throw new UsageError(
      `--replay: '${given}' is neither a seed nor a file with JSON (${(error as Error).message})`,
    );
  }
  const schedule = content.schedule ?? content;
  if (Array.isArray(schedule.operations) && Array.isArray(schedule.faults) && schedule.config !== undefined) {
    return schedule as Schedule;
  }
  throw new UsageError(`--replay: '${given}' holds no schedule`);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const usage = error instanceof UsageError;
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  if (usage) process.stderr.write('See pnpm simulate --help\n');
  process.exitCode = usage ? 2 : 1;
}
