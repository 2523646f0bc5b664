import { FAULT_NAMES } from '@schooldb/local-cluster';
import type { FaultName } from '@schooldb/local-cluster';
import { parseDuration } from './duration.ts';
import { UsageError } from './usage-error.ts';

/** The cluster that the load generator starts has no poolers. */
export const LOAD_FAULTS = FAULT_NAMES.filter((name) => name !== 'stale-pooler');

export interface ScheduledFault {
  name: FaultName;
  /** From the start of the load, in milliseconds. */
  atMs: number;
  /** How long it lasts before it is undone, in milliseconds; null leaves it to the cluster to heal. */
  forMs: number | null;
}

/** Reads `kill-primary@10s,blackhole@15s/3s` into faults in the order of their moments. */
export function parseFaultSchedule(text: string): ScheduledFault[] {
  return text
    .split(',')
    .map((part) => parseFault(part.trim()))
    .sort((a, b) => a.atMs - b.atMs);
}

function parseFault(text: string): ScheduledFault {
  const match = /^([^@/]+)@([^@/]+)(?:\/([^@/]+))?$/.exec(text);
  if (match === null)
    throw new UsageError(
      `--fault: '${text}' is not name@at or name@at/for, such as kill-primary@10s or refuse@10s/3s`,
    );
  const [, name, at, duration] = match;
  return {
    name: faultName(name!),
    atMs: moment(text, at!),
    forMs: duration === undefined ? null : moment(text, duration),
  };
}

/** @throws UsageError naming the faults that exist. */
export function faultName(text: string): FaultName {
  const name = LOAD_FAULTS.find((known) => known === text);
  if (name === undefined)
    throw new UsageError(`--fault: there is no fault '${text}'; there are ${LOAD_FAULTS.join(', ')}`);
  return name;
}

function moment(fault: string, text: string): number {
  const ms = parseDuration(text);
  if (ms === null)
    throw new UsageError(`--fault: '${text}' in '${fault}' is not a duration such as 500ms, 10s or 2m`);
  return ms;
}

/** Whether a standby has to take over after this fault. */
export function leadsToFailover({ name, forMs }: ScheduledFault, promoteAfterMs: number): boolean {
  if (name === 'switchover') return true;
  const losesPrimary = name === 'kill-primary' || name === 'freeze-primary';
  return losesPrimary && (forMs === null || forMs > promoteAfterMs);
}
