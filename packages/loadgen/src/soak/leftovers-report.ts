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
  /** The last thing it complained of. */
  lastWords: string;
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
/** Overlapping faults may well leave too little to judge by; and a run may have ended before it was to be ended. */
const BY_ITSELF: readonly (number | string)[] = [EXIT.ok, EXIT.inconclusive];
/** A signal that comes while the program is still loaded meets nobody who would listen. */
const INTERRUPTED = [...BY_ITSELF, EXIT.interrupted, 'SIGINT', 'SIGTERM'];
const GOOD_EXITS: Record<Ending, readonly (number | string)[]> = {
  'by itself': BY_ITSELF,
  SIGINT: INTERRUPTED,
  SIGTERM: INTERRUPTED,
  'SIGINT twice': INTERRUPTED,
  SIGKILL: [...BY_ITSELF, 'SIGKILL'],
  // It says that its cluster is gone, if it comes to that.
  'SIGKILL of the supervisor': [...INTERRUPTED, EXIT.crash, EXIT.unreachable],
};

export function leftoversReport(engine: EngineName, seed: number, schedules: Schedule[]): LeftoversReport {
  const left = schedules.flatMap((schedule) => schedule.left);
  const none = (what: string, measured: number) =>
    judgeLimit({ what, measured, unit: 'n', most: 0, bound: 'most' });
  const limits = [
    ...KINDS.map((kind) =>
      none(`${kind} left behind`, left.filter((text) => text.startsWith(`${kind} `)).length),
    ),
    none('ended with a violation, a crash, or not at all', schedules.filter(isBad).length),
  ];
  return { soak: 'leftovers', engine, seed, schedules, limits, held: limits.every(({ held }) => held) };
}

/** The line that is shown as soon as a schedule is over. */
export function scheduleLine(schedule: Schedule): string {
  const { number, ending, endedAtMs, exit, processes, left, chaosSeed, lastWords } = schedule;
  const when = ending === 'by itself' ? '' : ` at ${formatMoment(endedAtMs)}`;
  return [
    String(number).padStart(3),
    `${ending}${when}`.padEnd(34),
    `exit ${exit}`.padEnd(12),
    `${processes} processes seen`.padEnd(22),
    ...(isBad(schedule) ? [`NOT a good exit (${lastWords})`] : []),
    left.length === 0 ? 'nothing left' : `LEFT ${left.join(', ')}`,
    `(chaos seed ${chaosSeed})`,
  ].join('  ');
}

function isBad({ ending, exit }: Schedule): boolean {
  return !GOOD_EXITS[ending].includes(exit);
}

export function renderLeftovers({ engine, seed, schedules, limits }: LeftoversReport): string {
  const count = (ending: Ending) => schedules.filter((schedule) => schedule.ending === ending).length;
  return [
    `${schedules.length} random schedules on engine ${engine}, seed ${seed}: ${ENDINGS.map((ending) => `${count(ending)} ${ending}`).join(', ')}`,
    ...renderLimits(limits),
    '',
  ].join('\n');
}
