import { ClusterError, FAULT_NAMES, faultText, parseFaultText } from '@schooldb/local-cluster';
import type { FaultName, FaultOptions } from '@schooldb/local-cluster';
import { parseDuration } from './duration.ts';
import { UsageError } from './usage-error.ts';

/** The cluster that the load generator starts has no poolers. */
export const LOAD_FAULTS = FAULT_NAMES.filter((name) => name !== 'stale-pooler');

export interface ScheduledFault {
  name: FaultName;
  options: FaultOptions;
  /** From the start of the load, in milliseconds. */
  atMs: number;
  /** How long it lasts before it is undone, in milliseconds; null leaves it to the cluster to heal. */
  forMs: number | null;
}

/** One fault's text and where it begins in the whole, counted from 1. */
interface Part {
  text: string;
  position: number;
}

const SHAPE = 'name@at or name@at/for, such as kill-primary@10s or latency(latencyMs=200ms)@5s/3s';

/**
 * Reads `kill-primary@10s,partition(pg1|pg2,pg3)@15s/3s` into faults in the order of their moments. Options stand in
 * parentheses, as in `latency(latencyMs=200ms,endpoint=replica)`.
 *
 * @throws UsageError naming the position, what was given and what is allowed.
 */
export function parseFaultSchedule(text: string): ScheduledFault[] {
  return partsOf(text)
    .map(parsePart)
    .sort((a, b) => a.atMs - b.atMs);
}

/** The same schedule as text, to the millisecond: {@link parseFaultSchedule} reads it back. */
export function faultScheduleText(faults: readonly ScheduledFault[]): string {
  return faults
    .map(
      ({ atMs, forMs, ...fault }) =>
        `${faultText(fault)}@${exact(atMs)}${forMs === null ? '' : `/${exact(forMs)}`}`,
    )
    .join(',');
}

/** @throws UsageError naming the faults that exist. */
export function faultName(text: string): FaultName {
  const name = LOAD_FAULTS.find((known) => known === text);
  if (name === undefined)
    throw new UsageError(`--fault: there is no fault '${text}'; there are ${LOAD_FAULTS.join(', ')}`);
  return name;
}

/** Whether a standby has to take over after this fault. */
export function leadsToFailover({ name, options, forMs }: ScheduledFault, promoteAfterMs: number): boolean {
  if (name === 'switchover') return true;
  if (options.keepAgent === true) return false;
  const losesPrimary = name === 'kill-primary' || name === 'freeze-primary';
  return losesPrimary && (forMs === null || forMs > promoteAfterMs);
}

/** Commas within parentheses belong to the options. */
function partsOf(text: string): Part[] {
  const parts: Part[] = [];
  let from = 0;
  let openedAt: number | null = null;
  for (let index = 0; index < text.length; index++) {
    const letter = text[index];
    if (letter === '(') {
      if (openedAt !== null) refuse({ text, position: index + 1 }, 'parentheses do not go into parentheses');
      openedAt = index;
    } else if (letter === ')') {
      if (openedAt === null) refuse({ text, position: index + 1 }, 'this parenthesis was never opened');
      openedAt = null;
    } else if (letter === ',' && openedAt === null) {
      parts.push(part(text, from, index));
      from = index + 1;
    }
  }
  if (openedAt !== null) refuse({ text, position: openedAt + 1 }, 'this parenthesis is never closed');
  return [...parts, part(text, from, text.length)];
}

function part(text: string, from: number, to: number): Part {
  const given = text.slice(from, to);
  return { text: given.trim(), position: from + (given.length - given.trimStart().length) + 1 };
}

function parsePart(part: Part): ScheduledFault {
  const match = /^([^()@/]+(?:\(.*\))?)\s*@([^@/()]+)(?:\/([^@/()]+))?$/s.exec(part.text);
  if (match === null) refuse(part, `is not ${SHAPE}`);
  const [, fault, at, duration] = match;
  return {
    ...parseFault(part, fault!.trim()),
    atMs: moment(part, at!),
    forMs: duration === undefined ? null : moment(part, duration),
  };
}

function parseFault(part: Part, text: string): { name: FaultName; options: FaultOptions } {
  faultName(text.replace(/\s*\(.*$/s, ''));
  try {
    return parseFaultText(text);
  } catch (error) {
    if (error instanceof ClusterError) refuse(part, error.message);
    throw error;
  }
}

function moment(part: Part, text: string): number {
  return parseDuration(text.trim()) ?? refuse(part, `'${text}' is not a duration such as 500ms, 10s or 2m`);
}

function refuse({ text, position }: Part, why: string): never {
  throw new UsageError(`--fault: '${text}' at character ${position}: ${why}`);
}

function exact(ms: number): string {
  return ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`;
}
