/** What a soak has to hold, and how it is said. */
import type { CrowdReport } from '../crowd/crowd.ts';
import { mib, trendOf } from './memory.ts';
import type { MemorySample } from './memory.ts';

const MOST_SHOWN = 40;

export interface Limit {
  readonly name: string;
  /** Null where the time was too short to judge it. */
  readonly held: boolean | null;
  readonly found: string;
}

export interface SoakReport extends Omit<CrowdReport, 'problems'> {
  /** Whether no limit was broken. */
  readonly held: boolean;
  readonly memory: readonly MemorySample[];
  readonly limits: readonly Limit[];
}

interface Findings {
  readonly problems: readonly string[];
  readonly lostOrTwice: readonly string[];
  readonly streamsLeft: number;
  /** After the warm-up. */
  readonly memory: readonly MemorySample[];
}

export function limitsOf({ problems, lostOrTwice, streamsLeft, memory }: Findings): readonly Limit[] {
  return [
    none('error pages, console errors', problems),
    none('lost, or there twice', lostOrTwice),
    { name: 'live streams left', held: streamsLeft === 0, found: String(streamsLeft) },
    flat(
      'heap of the app',
      memory.map(({ heapBytes }) => heapBytes),
    ),
    flat(
      'resident memory of the app',
      memory.map(({ residentBytes }) => residentBytes),
    ),
  ];
}

function none(name: string, found: readonly string[]): Limit {
  const shown = found.slice(0, MOST_SHOWN).map((line) => `\n    ${line}`);
  return { name, held: found.length === 0, found: `${found.length}${shown.join('')}` };
}

function flat(name: string, samples: readonly number[]): Limit {
  const trend = trendOf(samples);
  if (trend.verdict === 'too few samples') return { name, held: null, found: 'too few samples to be judged' };
  const { verdict, firstBytes, lastBytes, limitBytes } = trend;
  return {
    name,
    held: verdict === 'flat',
    found: `median ${mib(firstBytes)} in the first third, ${mib(lastBytes)} in the last (limit ${mib(limitBytes)})`,
  };
}

export function textOf(report: SoakReport): string {
  const { held, rounds, saved, longestMs, stalePages, memory, limits } = report;
  const lines = [
    `${rounds} rounds, ${saved} saved, longest round ${longestMs} ms, ${stalePages} pages that said they may lag`,
    'minute   heap in use      resident',
    ...memory.map(
      ({ minute, heapBytes, residentBytes }) =>
        `${String(minute).padStart(6)} ${mib(heapBytes).padStart(13)} ${mib(residentBytes).padStart(13)}`,
    ),
    ...limits.map((limit) => `${wordOf(limit)} ${limit.name}: ${limit.found}`),
    held ? 'held' : 'did not hold',
  ];
  return `${lines.join('\n')}\n`;
}

function wordOf({ held }: Limit): string {
  if (held === null) return '–     ';
  return held ? 'held  ' : 'BROKEN';
}
