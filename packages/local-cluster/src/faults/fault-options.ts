import { ENDPOINT_KINDS } from '../endpoint.ts';
import { ClusterError } from '../errors.ts';
import { parseDurationMs } from '../duration.ts';
import { LATENCY_DEFAULTS } from './latency.ts';
import { FAULT_NAMES, type FaultName, type FaultOptions } from './fault.ts';

/** What one option may be, as data and as text of a command line. */
export interface OptionRule {
  /** What is allowed, for people. */
  allowed: string;
  allows(value: unknown): boolean;
  /** Reads it from text; what can't be read comes back as it is and is refused by `allows`. */
  parse(text: string): unknown;
  /** One line for the help. */
  help: string;
}

const HIGHEST_SEED = 2 ** 32 - 1;
const LONGEST_MS = 600_000;
const SERVER = /^pg[1-9]\d*$/;
const POOLED_SERVERS = ['demoted', 'primary'];

/** In the order of the help. */
export const OPTION_RULES: Readonly<Record<keyof FaultOptions, OptionRule>> = {
  endpoint: oneOf(ENDPOINT_KINDS, 'the address that is hit'),
  direction: oneOf(['upstream', 'downstream', 'both'], 'upstream is from the client to the server'),
  latencyMs: milliseconds(0, LONGEST_MS, 'delay in each direction'),
  jitterMs: milliseconds(0, LONGEST_MS, 'more or less by up to this'),
  bytesPerSecond: integer(1, 1_000_000_000, 'what a connection gets through'),
  sliceBytes: integer(1, 65_536, 'the size of a piece'),
  pauseMs: milliseconds(0, 60_000, 'between two pieces'),
  limitBytes: integer(0, 1_000_000_000, 'what passes before the connection is closed'),
  other: oneOf(['standby', 'blackhole', 'refuse'], 'what stands beside the primary'),
  choice: oneOf(['turns', 'random'], 'how a connection is given to one'),
  seed: integer(0, HIGHEST_SEED, 'the same seed, the same choices'),
  message: integer(1, 1_000_000, 'the number of the message, on each connection'),
  delivered: yesOrNo('that message still arrives'),
  times: integer(1, 1_000_000, 'over after so many cuts'),
  cut: oneOf(['reset', 'silence'], 'what becomes of the connection'),
  server: {
    allowed: 'primary, or a name like pg2',
    allows: (value) => typeof value === 'string' && (POOLED_SERVERS.includes(value) || SERVER.test(value)),
    parse: (text) => text,
    help: 'which server',
  },
  lagMs: milliseconds(1, 3_600_000, 'how far behind standbys replay'),
  groups: {
    allowed:
      'two or more groups of members that hear each other, like pg1|pg2,pg3; members are server names, primary, standbys, clients and control, each once',
    allows: areGroups,
    parse: (text) => text.split('|').map((group) => group.split(',').map((member) => member.trim())),
    help: 'who still hears whom',
  },
  keepAgent: yesOrNo('PostgreSQL dies, its agent lives'),
};

/** Which options a fault understands; one it does not understand is a mistake somebody should hear of. */
export const UNDERSTOOD: Readonly<Record<FaultName, readonly (keyof FaultOptions)[]>> = {
  'kill-primary': ['keepAgent'],
  'freeze-primary': [],
  'frozen-postmaster': [],
  'crash-backend': [],
  restart: [],
  switchover: [],
  'cut-replication': ['server'],
  lag: ['server', 'lagMs'],
  'disk-full': ['server'],
  refuse: ['endpoint'],
  reset_peer: ['endpoint'],
  blackhole: ['endpoint', 'direction'],
  latency: ['endpoint', 'direction', 'latencyMs', 'jitterMs'],
  bandwidth: ['endpoint', 'direction', 'bytesPerSecond'],
  slicer: ['endpoint', 'direction', 'sliceBytes', 'pauseMs'],
  limit_data: ['endpoint', 'direction', 'limitBytes'],
  partition: ['groups'],
  'two-masters': ['other', 'choice', 'seed'],
  'stale-pooler': ['server'],
  'cut-after-commit': ['endpoint', 'times', 'cut'],
  'cut-at-message': ['endpoint', 'direction', 'message', 'delivered', 'times', 'cut'],
  'kill-agent': ['server'],
  'freeze-agent': ['server'],
  'lose-etcd': [],
  'cut-etcd': ['server'],
  pause: [],
};

/** Where a fault takes less than the option does in general. */
const NARROWER: Partial<
  Record<FaultName, Partial<Record<keyof FaultOptions, Pick<OptionRule, 'allowed' | 'allows'>>>>
> = {
  'stale-pooler': { server: oneOf(POOLED_SERVERS, '') },
  'cut-replication': { server: nameOfStandby() },
  lag: { server: nameOfStandby() },
  'disk-full': { server: anyServer() },
  'kill-agent': { server: anyServer() },
  'freeze-agent': { server: anyServer() },
  'cut-etcd': { server: anyServer() },
  'cut-at-message': { direction: oneOf(['upstream', 'downstream'], '') },
};

export function checkFault(name: unknown, options: FaultOptions): { name: FaultName; options: FaultOptions } {
  if (!isFaultName(name)) {
    throw new ClusterError(
      'bad-option',
      `unknown fault ${JSON.stringify(name)} (allowed: ${FAULT_NAMES.join(', ')})`,
    );
  }
  const given = Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as FaultOptions;
  for (const [key, value] of Object.entries(given) as [keyof FaultOptions, unknown][]) {
    requireUnderstood(name, key);
    const { allows, allowed } = NARROWER[name]?.[key] ?? OPTION_RULES[key];
    if (!allows(value)) throw bad(name, key, `${JSON.stringify(value)} was given`, allowed);
  }
  requireJitterWithin(name, given);
  requireSeedWithChance(name, given);
  return { name, options: given };
}

function requireUnderstood(fault: FaultName, key: string): void {
  const understood = UNDERSTOOD[fault];
  if ((understood as readonly string[]).includes(key)) return;
  throw bad(
    fault,
    key,
    'is not an option of it',
    understood.length === 0 ? 'it has none' : understood.join(', '),
  );
}

function isFaultName(name: unknown): name is FaultName {
  return (FAULT_NAMES as readonly unknown[]).includes(name);
}

function requireJitterWithin(fault: FaultName, { jitterMs, latencyMs }: FaultOptions): void {
  const most = latencyMs ?? LATENCY_DEFAULTS.latencyMs;
  if (jitterMs === undefined || jitterMs <= most) return;
  throw bad(fault, 'jitterMs', `${jitterMs} was given`, `a number of milliseconds from 0 to ${most}`);
}

function requireSeedWithChance(fault: FaultName, { seed, choice }: FaultOptions): void {
  if (seed === undefined || choice === 'random') return;
  throw bad(fault, 'seed', `${seed} was given without chance`, "with choice 'random' only");
}

function areGroups(value: unknown): boolean {
  if (!Array.isArray(value) || value.length < 2) return false;
  if (!value.every((group) => Array.isArray(group) && group.length > 0)) return false;
  const members = (value as unknown[][]).flat();
  const known = (member: unknown) =>
    typeof member === 'string' &&
    (['primary', 'standbys', 'clients', 'control'].includes(member) || SERVER.test(member));
  return members.every(known) && new Set(members).size === members.length;
}

function oneOf(values: readonly string[], help: string): OptionRule {
  const allows = (value: unknown) => (values as readonly unknown[]).includes(value);
  return { allowed: values.join(', '), allows, parse: (text) => text, help };
}

function nameOfStandby(): Pick<OptionRule, 'allowed' | 'allows'> {
  return {
    allowed: "a standby's name like pg2",
    allows: (value) => typeof value === 'string' && SERVER.test(value),
  };
}

function anyServer(): Pick<OptionRule, 'allowed' | 'allows'> {
  return {
    allowed: 'primary, or a name like pg2',
    allows: (value) => typeof value === 'string' && (value === 'primary' || SERVER.test(value)),
  };
}

function integer(least: number, most: number, help: string): OptionRule {
  return {
    allowed: `an integer from ${least} to ${most}`,
    allows: (value) => Number.isInteger(value) && (value as number) >= least && (value as number) <= most,
    parse: (text) => (/^\d+$/.test(text) ? Number(text) : text),
    help,
  };
}

function milliseconds(least: number, most: number, help: string): OptionRule {
  return {
    allowed: `a number of milliseconds from ${least} to ${most}`,
    allows: (value) => typeof value === 'number' && value >= least && value <= most,
    // 200 as well as 200ms: both are what people write.
    parse: (text) => (/^\d+(?:\.\d+)?$/.test(text) ? Number(text) : (parseDurationMs(text) ?? text)),
    help,
  };
}

function yesOrNo(help: string): OptionRule {
  return {
    allowed: 'true or false',
    allows: (value) => typeof value === 'boolean',
    parse: (text) => (text === 'true' || text === 'false' ? text === 'true' : text),
    help,
  };
}

function bad(fault: FaultName, option: string, given: string, allowed: string): ClusterError {
  return new ClusterError('bad-option', `fault ${fault}: option ${option}: ${given} (allowed: ${allowed})`);
}
