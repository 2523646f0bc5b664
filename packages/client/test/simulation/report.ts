/** What people read of a simulation. */
import { describeFault } from './model/faults.ts';
import type { HistoryLine, Violation } from './invariants.ts';
import type { OperationPlan, Schedule } from './schedule.ts';
import { FAULT_KINDS } from './schedule.ts';
import type { Tally } from './tally.ts';

/** A schedule that fails, with what happens in it. */
export function violationText(
  seed: number,
  violation: Violation,
  schedule: Schedule,
  history: readonly HistoryLine[],
): string {
  const { invariant, detail } = violation;
  return [
    `VIOLATION of ${invariant}: ${detail}`,
    '',
    `the smallest schedule found that fails like this (from seed ${seed}):`,
    `  cluster ${JSON.stringify(schedule.config)}`,
    ...schedule.operations.map((operation) => `  ${ms(operation.at)}  ${describeOperation(operation)}`),
    ...schedule.faults.map((fault) => `  ${ms(fault.at)}  fault ${describeFault(fault)}`),
    ...(schedule.closeAt === null ? [] : [`  ${ms(schedule.closeAt)}  close()`]),
    '',
    'what happens in it (milliseconds, who, what):',
    ...historyLines(history),
  ].join('\n');
}

export function historyLines(history: readonly HistoryLine[]): string[] {
  return history.map(({ at, actor, what }) => `  ${ms(at)}  ${actor.padEnd(14)} ${what}`);
}

/** One table of what was simulated. */
export function tallyText(tally: Tally, seconds: number): string {
  const { counts } = tally;
  const outcomes = namesIn(counts, (name) => name.startsWith('outcome '));
  const faults = namesIn(counts, (name) => (FAULT_KINDS as readonly string[]).includes(name));
  const strikes = namesIn(counts, (name) => name.includes('-at-commit-'));
  const rows: [string, string][] = [
    ['schedules', count(tally.schedules)],
    ['operations', count(tally.operations)],
    ...outcomes.map((name): [string, string] => [
      `  ${name.replace('outcome ', '')}`,
      count(counts[name] ?? 0),
    ]),
    ['faults', count(sum(counts, faults))],
    ...faults.map((name): [string, string] => [`  ${name}`, count(counts[name] ?? 0)]),
    ['struck at a COMMIT', count(sum(counts, strikes))],
    ['failovers', count(counts['failover'] ?? 0)],
    ['lost COMMITs settled: yes', count(counts['settled-yes'] ?? 0)],
    ['lost COMMITs settled: no', count(counts['settled-no'] ?? 0)],
    ['connects', count(tally.connects)],
    ['virtual hours', (tally.virtualMs / 3_600_000).toFixed(1)],
    ['schedules per second', (tally.schedules / Math.max(seconds, 0.001)).toFixed(0)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value.padStart(12)}`).join('\n');
}

function describeOperation({ id, kind, at: _at, ...rest }: OperationPlan): string {
  return `${id} ${kind} ${JSON.stringify(rest)}`;
}

function namesIn(counts: Readonly<Record<string, number>>, wanted: (name: string) => boolean): string[] {
  return Object.keys(counts).filter(wanted).toSorted();
}

function sum(counts: Readonly<Record<string, number>>, names: readonly string[]): number {
  return names.reduce((total, name) => total + (counts[name] ?? 0), 0);
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}

function ms(at: number): string {
  return at.toFixed(2).padStart(10);
}
