#!/usr/bin/env node
/**
 * The cluster by hand. This file alone deals with arguments, exit codes and process signals:
 * 0 done, 1 failed, 2 wrong usage, 130 interrupted before the cluster was up.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { Cluster, ClusterEvent } from './cluster.ts';
import { eventLine, FAULT_TEXTS, statusLines, welcomeLines } from './command-line/texts.ts';
import { DEFAULT_NAME } from './control/name-file.ts';
import { parseDurationMs } from './duration.ts';
import { ClusterError, messageOf } from './errors.ts';
import { checkFault, OPTION_RULES } from './faults/fault-options.ts';
import { parseFaultText } from './faults/fault-text.ts';
import { FAULT_NAMES, type FaultOptions } from './faults/fault.ts';
import { CLUSTER_DEFAULTS, ENGINES, type ClusterOptions, type PostgresVersion } from './options.ts';
import { connectCluster, launchCluster } from './start-cluster.ts';

interface Named {
  name: string;
  json?: true;
}

interface StartArguments extends Named {
  engine: (typeof ENGINES)[number];
  postgres?: number;
  disk?: number;
  terminateTls?: true;
  replicas: number;
  asynchronous?: true;
  promoteAfter?: number | false;
  maxConnections: number;
  poolers: boolean;
  dataDirectory?: string;
  detach?: true;
}

/** Beside these, the options of faults by their own names, as text. */
interface FaultArguments extends Named {
  list?: true;
  for?: number;
}

/** Resolves with the first Ctrl-C, or whatever else asks this process to end; later ones change nothing. */
const interrupted = new Promise<void>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve());
});

// The reader may have seen enough (`| head`).
process.stdout.on('error', () => process.exit(0));

const program = new Command('cluster')
  .description(
    'PostgreSQL servers with replication on this machine, behind virtual IPs, with faults on demand',
  )
  .exitOverride()
  .configureHelp({ showGlobalOptions: true });

const nameOption = () =>
  new Option('--name <name>', 'which cluster, where there are several').default(DEFAULT_NAME);
const jsonOption = () => new Option('--json', 'for programs: JSON, one object a line');

program
  .command('start')
  .description('start a cluster and show what happens to it, until Ctrl-C stops it')
  .addOption(nameOption())
  .addOption(
    new Option('--engine <engine>', 'whose failovers').choices(ENGINES).default(CLUSTER_DEFAULTS.engine),
  )
  .option('--postgres <version>', 'major version, 14 to 18', wholeNumber)
  .option(
    '--disk <megabytes>',
    'a file system of its own for each server, which disk-full fills',
    wholeNumber,
  )
  .option('--terminate-tls', 'the addresses end TLS, so that faults of the protocol hit every connection')
  .option('--replicas <number>', 'standbys, 0 to 7', wholeNumber, CLUSTER_DEFAULTS.replicas)
  .option('--asynchronous', 'acknowledge commits before a standby has them')
  .option(
    '--promote-after <duration>',
    "delay before a promotion, or 'never' (default: 1s; Patroni: 20s, the least it takes)",
    durationOrNever,
  )
  .option(
    '--max-connections <number>',
    'max_connections of each server',
    wholeNumber,
    CLUSTER_DEFAULTS.maxConnections,
  )
  .option('--no-poolers', 'without PgBouncer, also where it is installed')
  .option('--data-directory <directory>', 'where the cluster makes its own directory')
  .option('--detach', 'return once it is up, and leave it running')
  .addOption(jsonOption())
  .action(start);

program
  .command('status')
  .description('show servers, addresses and faults')
  .addOption(nameOption())
  .addOption(jsonOption())
  .action(async ({ name, json }: Named) => {
    await withCluster(name, async (cluster) => {
      const status = await cluster.status();
      print(json === true ? [JSON.stringify(status)] : statusLines(status, Date.now()));
    });
  });

const faultCommand = program
  .command('fault')
  .description('do something to a server or to the network')
  .argument('[fault]', `${FAULT_NAMES.join(', ')}; also with options: 'latency(latencyMs=50)'`)
  .option('--list', 'show all faults');
for (const [name, { allowed, help }] of Object.entries(OPTION_RULES)) {
  const flag = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  faultCommand.option(`--${flag} <value>`, `${help}: ${allowed}`);
}
faultCommand
  .option('--for <duration>', 'undo it after this time', duration)
  .addOption(nameOption())
  .addOption(jsonOption())
  .action(fault);

program
  .command('undo')
  .description('undo one fault, or all of them')
  .argument('[id]', 'as fault and status show it')
  .addOption(nameOption())
  .action(async (id: string | undefined, { name }: Named) => {
    await withCluster(name, (cluster) =>
      id === undefined ? cluster.undoAllFaults() : cluster.undoFault(id),
    );
  });

program
  .command('events')
  .description('show what has happened, and what happens, until Ctrl-C')
  .addOption(nameOption())
  .addOption(jsonOption())
  .action(async ({ name, json }: Named) => {
    await withCluster(name, async (cluster) => {
      const show = eventPrinter(json);
      const early: ClusterEvent[] = [];
      let listener: (event: ClusterEvent) => unknown = (event) => early.push(event);
      cluster.on((event) => listener(event));
      const past = await cluster.history();
      for (const event of past) show(event);
      // What came while the history was on its way is in both.
      for (const event of early)
        if (!past.some((known) => JSON.stringify(known) === JSON.stringify(event))) show(event);
      listener = show;
      await Promise.race([interrupted, cluster.ended]);
    });
  });

program
  .command('stop')
  .description('stop a cluster and remove its data')
  .addOption(nameOption())
  .action(async ({ name }: Named) => {
    await (await connectCluster(name)).stop();
    print([`cluster ${name} is stopped`]);
  });

async function start(given: StartArguments): Promise<void> {
  const show = eventPrinter(given.json);
  const giveUp = new AbortController();
  void interrupted.then(() => giveUp.abort(new Interrupted()));
  const options: ClusterOptions = {
    engine: given.engine,
    replicas: given.replicas,
    maxConnections: given.maxConnections,
    signal: giveUp.signal,
  };
  if (given.promoteAfter !== undefined) options.promoteAfterMs = given.promoteAfter;
  if (given.postgres !== undefined) options.version = given.postgres as PostgresVersion;
  if (given.disk !== undefined) options.diskMb = given.disk;
  if (given.terminateTls === true) options.terminateTls = true;
  if (given.asynchronous === true) options.synchronous = false;
  if (!given.poolers) options.poolers = false;
  if (given.dataDirectory !== undefined) options.dataDirectory = given.dataDirectory;
  const detach = given.detach === true;
  const cluster = await launchCluster(options, { name: given.name, detach, onEvent: show });
  if (given.json === true) print([JSON.stringify({ name: given.name, ...factsOf(cluster) })]);
  else print(welcomeLines(cluster, given.name));
  if (detach) {
    if (given.json !== true)
      print([
        `cluster ${given.name} goes on until: pnpm cluster stop${given.name === DEFAULT_NAME ? '' : ` --name ${given.name}`}`,
      ]);
    await cluster.disconnect();
    return;
  }
  let stoppedInOrder = false;
  cluster.on(({ type }) => (stoppedInOrder ||= type === 'cluster:stopped'));
  await Promise.race([interrupted, cluster.ended]);
  await cluster.stop();
  if (!stoppedInOrder)
    throw new ClusterError('no-cluster', 'the supervisor was killed; its janitor removes what is left');
}

async function fault(name: string | undefined, given: FaultArguments): Promise<void> {
  if (given.list === true) {
    print(FAULT_NAMES.map((known) => `${known.padEnd(17)} ${FAULT_TEXTS[known]}`));
    return;
  }
  if (name === undefined)
    throw new ClusterError('bad-option', `which fault? (allowed: ${FAULT_NAMES.join(', ')})`);
  const written = parseFaultText(name);
  const { name: known, options } = checkFault(written.name, { ...written.options, ...optionsIn(given) });
  await withCluster(given.name, async (cluster) => {
    const applied = await cluster.fault(known, options);
    print([given.json === true ? JSON.stringify(applied) : `${applied.id} hit ${applied.target}`]);
    if (given.for === undefined) return;
    const waited = new AbortController();
    await Promise.race([sleep(given.for, undefined, { signal: waited.signal }), interrupted, cluster.ended]);
    waited.abort();
    await applied.undo();
    if (given.json !== true) print([`${applied.id} is undone`]);
  });
}

/** What was given by flags. */
function optionsIn(given: FaultArguments): FaultOptions {
  const names = Object.keys(OPTION_RULES) as (keyof FaultOptions)[];
  const texts = given as FaultArguments & Partial<Record<keyof FaultOptions, string>>;
  return Object.fromEntries(
    names.flatMap((name) => {
      const text = texts[name];
      return text === undefined ? [] : [[name, OPTION_RULES[name].parse(text)]];
    }),
  ) as FaultOptions;
}

async function withCluster(name: string, use: (cluster: Cluster) => Promise<void>): Promise<void> {
  const cluster = await connectCluster(name);
  try {
    await use(cluster);
  } finally {
    await cluster.disconnect();
  }
}

function factsOf(cluster: Cluster): object {
  const { endpoints, database, user, password, ca, superuser, servers } = cluster;
  const kinds = Object.keys(endpoints) as (keyof typeof endpoints)[];
  const connectionStrings = Object.fromEntries(kinds.map((kind) => [kind, cluster.connectionString(kind)]));
  return { endpoints, connectionStrings, database, user, password, ca, superuser, servers };
}

function eventPrinter(json: true | undefined): (event: ClusterEvent) => void {
  return (event) => print([json === true ? JSON.stringify({ event }) : eventLine(event)]);
}

function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('Allowed: a whole number.');
  return Number(text);
}

function duration(text: string): number {
  const ms = parseDurationMs(text);
  if (ms === undefined) throw new InvalidArgumentError('Allowed: a duration like 500ms, 5s or 2m.');
  return ms;
}

function durationOrNever(text: string): number | false {
  return text === 'never' ? false : duration(text);
}

/** Ctrl-C before the cluster was up. */
class Interrupted extends Error {}

function exitCodeOf(error: unknown): number {
  if (error instanceof Interrupted) return 130;
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  process.stderr.write(`${messageOf(error)}\n`);
  return error instanceof ClusterError && error.code === 'bad-option' ? 2 : 1;
}

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}
