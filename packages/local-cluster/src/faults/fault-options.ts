import { ENDPOINT_KINDS } from '../endpoint.ts';
import { ClusterError } from '../errors.ts';
import { LATENCY_DEFAULTS } from './latency.ts';
import { FAULT_NAMES, type FaultName, type FaultOptions } from './fault.ts';

const LONGEST_LATENCY_MS = 600_000;
const DIRECTIONS = ['upstream', 'downstream', 'both'];
export const OTHERS = ['standby', 'blackhole', 'refuse'] as const;
export const CHOICES = ['turns', 'random'] as const;
export const POOLED_SERVERS = ['demoted', 'primary'] as const;
const HIGHEST_SEED = 2 ** 32 - 1;

/** Which options a fault understands; one it does not understand is a mistake somebody should hear of. */
const UNDERSTOOD: Record<FaultName, readonly (keyof FaultOptions)[]> = {
  'kill-primary': [],
  'freeze-primary': [],
  'frozen-postmaster': [],
  restart: [],
  switchover: [],
  refuse: ['endpoint'],
  reset_peer: ['endpoint'],
  blackhole: ['endpoint', 'direction'],
  latency: ['endpoint', 'direction', 'latencyMs', 'jitterMs'],
  'two-masters': ['other', 'choice', 'seed'],
  'stale-pooler': ['server'],
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
  for (const key of Object.keys(given)) {
    const understood = UNDERSTOOD[name];
    if ((understood as readonly string[]).includes(key)) continue;
    throw bad(
      name,
      key,
      'is not an option of it',
      understood.length === 0 ? 'it has none' : understood.join(', '),
    );
  }
  requireOneOf(name, 'endpoint', given.endpoint, ENDPOINT_KINDS);
  requireOneOf(name, 'direction', given.direction, DIRECTIONS);
  requireMs(name, 'latencyMs', given.latencyMs, LONGEST_LATENCY_MS);
  requireMs(name, 'jitterMs', given.jitterMs, given.latencyMs ?? LATENCY_DEFAULTS.latencyMs);
  requireOneOf(name, 'other', given.other, OTHERS);
  requireOneOf(name, 'choice', given.choice, CHOICES);
  requireOneOf(name, 'server', given.server, POOLED_SERVERS);
  requireSeed(name, given);
  return { name, options: given };
}

function isFaultName(name: unknown): name is FaultName {
  return (FAULT_NAMES as readonly unknown[]).includes(name);
}

function requireOneOf(fault: FaultName, option: string, value: unknown, allowed: readonly string[]): void {
  if (value === undefined || (allowed as readonly unknown[]).includes(value)) return;
  throw bad(fault, option, `${JSON.stringify(value)} was given`, allowed.join(', '));
}

function requireMs(fault: FaultName, option: string, value: unknown, most: number): void {
  if (value === undefined || (typeof value === 'number' && value >= 0 && value <= most)) return;
  throw bad(
    fault,
    option,
    `${JSON.stringify(value)} was given`,
    `a number of milliseconds from 0 to ${most}`,
  );
}

function requireSeed(fault: FaultName, { seed, choice }: FaultOptions): void {
  if (seed === undefined) return;
  if (choice !== 'random') {
    throw bad(fault, 'seed', `${JSON.stringify(seed)} was given without chance`, "with choice 'random' only");
  }
  if (Number.isInteger(seed) && seed >= 0 && seed <= HIGHEST_SEED) return;
  throw bad(fault, 'seed', `${JSON.stringify(seed)} was given`, `an integer from 0 to ${HIGHEST_SEED}`);
}

function bad(fault: FaultName, option: string, given: string, allowed: string): ClusterError {
  return new ClusterError('bad-option', `fault ${fault}: option ${option}: ${given} (allowed: ${allowed})`);
}
