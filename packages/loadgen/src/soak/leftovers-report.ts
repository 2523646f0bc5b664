import { renderLimits } from '../bench/failover-report.ts';
import { judgeLimit } from '../bench/limits.ts';
import type { JudgedLimit } from '../bench/limits.ts';
import { EXIT } from '../cli/exit-codes.ts';
import type { EngineName } from '../options/engine.ts';
import { formatMoment } from '../report/format.ts';

/** How a load generator in the middle of random faults comes to its end. */
export const ENDINGS = [
  'by itself',
  'SIGINT',
  'SIGKILL',
  'SIGTERM',
  'SIGKILL of the supervisor',
  'SIGINT twice',
] as const;
export type Ending = (typeof ENDINGS)[number];

export interface Schedule {
  number: number;
  /** Of `--chaos`: the same faults again. */
  chaosSeed: number;
  ending: Ending;
  /** When it was ended, from its start, in milliseconds; it may have ended by itself before. */
  endedAtMs: number;
  /** Its exit code, or what ended it. */
  exit: number | string;
  /** How many processes it was seen to have. */
  processes: number;
  /** What was left of it, in words. */
  left: string[];
}

export interface LeftoversReport {
  soak: 'leftovers';
  engine: EngineName;
  seed: number;
  schedules: Schedule[];
  limits: JudgedLimit[];
  held: boolean;
}

const KINDS = ['process', 'port', 'file', 'unix socket', 'mount', 'network namespace'];
/** Overlapping faults may well leave too little to judge by. */
const GOOD_ENDS: readonly (number | string)[] = [EXIT.ok, EXIT.inconclusive];

export function leftoversReport(engine: EngineName, seed: number, schedules: Schedule[]): LeftoversReport {
  const left = schedules.flatMap((schedule) => schedule.left);
  const none = (what: string, measured: number) =>
    judgeLimit({ what, measured, unit: 'n', most: 0, bound: 'most' });
  const limits = [
    ...KINDS.map((kind) =>
      none(`${kind} left behind`, left.filter((text) => text.startsWith(`${kind} `)).length),
    ),
    none(
      'ended by itself with a violation or a crash',
      schedules.filter(({ ending, exit }) => ending === 'by itself' && !GOOD_ENDS.includes(exit)).length,
    ),
    none('did not end', schedules.filter(({ exit }) => String(exit).startsWith('still running')).length),
  ];
  return { soak: 'leftovers', engine, seed, schedules, limits, held: limits.every(({ held }) => held) };
}

/** The line that is shown as soon as a schedule is over. */
export function scheduleLine({
  number,
  ending,
  endedAtMs,
  exit,
  processes,
  left,
  chaosSeed,
}: Schedule): string {
  const when = ending === 'by itself' ? '' : ` at ${formatMoment(endedAtMs)}`;
  return [
    String(number).padStart(3),
    `${ending}${when}`.padEnd(34),
    `exit ${exit}`.padEnd(12),
    `${processes} processes seen`.padEnd(22),
    left.length === 0 ? 'nothing left' : `LEFT ${left.join(', ')}`,
    `(chaos seed ${chaosSeed})`,
  ].join('  ');
}

export function renderLeftovers({ engine, seed, schedules, limits }: LeftoversReport): string {
  const count = (ending: Ending) => schedules.filter((schedule) => schedule.ending === ending).length;
  return [
    `${schedules.length} random schedules on engine ${engine}, seed ${seed}: ${ENDINGS.map((ending) => `${count(ending)} ${ending}`).join(', ')}`,
    ...renderLimits(limits),
    '',
  ].join('\n');
}
