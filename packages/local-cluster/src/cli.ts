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
import { ENDPOINT_KINDS } from './endpoint.ts';
import { ClusterError, messageOf } from './errors.ts';
import { CHOICES, checkFault, OTHERS, POOLED_SERVERS } from './faults/fault-options.ts';
import { FAULT_NAMES, type FaultName, type FaultOptions } from './faults/fault.ts';
import { CLUSTER_DEFAULTS, type ClusterOptions } from './options.ts';
import { connectCluster, launchCluster } from './start-cluster.ts';

interface Named {
  name: string;
  json?: true;
}

interface StartArguments extends Named {
  replicas: number;
  asynchronous?: true;
  promoteAfter: number | false;
  maxConnections: number;
  poolers: boolean;
  dataDirectory?: string;
  detach?: true;
}

interface FaultArguments extends Named {
  list?: true;
  endpoint?: FaultOptions['endpoint'];
  direction?: FaultOptions['direction'];
  latency?: number;
  jitter?: number;
  other?: FaultOptions['other'];
  choice?: FaultOptions['choice'];
  seed?: number;
  server?: FaultOptions['server'];
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
  .option('--replicas <number>', 'standbys, 0 to 7', wholeNumber, CLUSTER_DEFAULTS.replicas)
  .option('--asynchronous', 'acknowledge commits before a standby has them')
  .option(
    '--promote-after <duration>',
    "delay before a promotion, or 'never'",
    durationOrNever,
    CLUSTER_DEFAULTS.promoteAfterMs,
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

program
  .command('fault')
  .description('do something to a server or to the network')
  .argument('[fault]', FAULT_NAMES.join(', '))
  .option('--list', 'show all faults')
  .addOption(new Option('--endpoint <kind>', 'network faults: the address').choices(ENDPOINT_KINDS))
  .addOption(
    new Option('--direction <direction>', 'blackhole, latency').choices(['upstream', 'downstream', 'both']),
  )
  .option('--latency <duration>', 'latency: delay in each direction', duration)
  .option('--jitter <duration>', 'latency: more or less by up to this', duration)
  .addOption(new Option('--other <what>', 'two-masters: what stands beside the primary').choices(OTHERS))
  .addOption(new Option('--choice <how>', 'two-masters: how a connection is given to one').choices(CHOICES))
  .option('--seed <number>', 'two-masters, --choice random: the same seed, the same choices', wholeNumber)
  .addOption(new Option('--server <which>', 'stale-pooler: the server it stays on').choices(POOLED_SERVERS))
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
    replicas: given.replicas,
    promoteAfterMs: given.promoteAfter,
    maxConnections: given.maxConnections,
    signal: giveUp.signal,
  };
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
  const options: FaultOptions = {};
  if (given.endpoint !== undefined) options.endpoint = given.endpoint;
  if (given.direction !== undefined) options.direction = given.direction;
  if (given.latency !== undefined) options.latencyMs = given.latency;
  if (given.jitter !== undefined) options.jitterMs = given.jitter;
  if (given.other !== undefined) options.other = given.other;
  if (given.choice !== undefined) options.choice = given.choice;
  if (given.seed !== undefined) options.seed = given.seed;
  if (given.server !== undefined) options.server = given.server;
  checkFault(name, options);
  await withCluster(given.name, async (cluster) => {
    const applied = await cluster.fault(name as FaultName, options);
    print([given.json === true ? JSON.stringify(applied) : `${applied.id} hit ${applied.target}`]);
    if (given.for === undefined) return;
    const waited = new AbortController();
    await Promise.race([sleep(given.for, undefined, { signal: waited.signal }), interrupted, cluster.ended]);
    waited.abort();
    await applied.undo();
    if (given.json !== true) print([`${applied.id} is undone`]);
  });
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
