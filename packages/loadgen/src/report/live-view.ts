import type { ClusterEvent } from '@schooldb/local-cluster';
import type { Interval } from '../measure/recorder.ts';
import type { ServerSample } from '../measure/server-watch.ts';
import { totals } from '../run/build-report.ts';
import type { Colors } from './colors.ts';
import { formatCount, formatMoment, formatMs, plural } from './format.ts';
import type { LiveState } from './live-state.ts';

const LABEL_WIDTH = 12;
const MOST_EVENTS_SHOWN = 6;
const BARS = '▁▂▃▄▅▆▇█';
const FAULT_MARK = '▼';

/** Events that a spectator waits for; the rest is housekeeping. */
const SHOWN: ReadonlySet<ClusterEvent['type']> = new Set<ClusterEvent['type']>([
  'fault:applied',
  'fault:undone',
  'primary:lost',
  'primary:restarted',
  'primary:promoted',
  'promotion:blocked',
  'server:rejoined',
  'server:failed',
]);

export function isShown(event: ClusterEvent): boolean {
  return SHOWN.has(event.type);
}

/** One screen of a running load. Pure: the terminal and the clock are passed in. */
export function renderView(state: LiveState, now: number, columns: number, colors: Colors): string {
  const line = (label: string, text: string): string => `${colors.dim(label.padEnd(LABEL_WIDTH))}${text}`;
  const interval = state.intervals.at(-1);
  const lines = [
    `${colors.bold(state.title.text)}  ${elapsed(state, now)}  ${colors.dim(state.currentStage)}`,
    line('servers', state.latest.map((server) => serverText(server, colors)).join(' · ')),
    line('rate', `${rate(interval)}  ${sparkline(state, columns - LABEL_WIDTH - 16, colors)}`),
    line('latency', latency(interval)),
    line('errors', errorText(state, colors)),
    line('connections', connectionText(state.latest)),
    ...state.events
      .filter(isShown)
      .slice(-MOST_EVENTS_SHOWN)
      .map((event, i) => line(i === 0 ? 'events' : '', eventText(state, event))),
    ...state.warnings.map((warning) => line('warning', colors.yellow(warning))),
  ];
  return lines.join('\n');
}

/** One line of a running load, for where nothing can be drawn over. */
export function renderLine(state: LiveState, now: number): string {
  const interval = state.intervals.at(-1);
  const parts = [
    elapsed(state, now),
    rate(interval),
    latency(interval),
    `errors ${formatCount(errorsOf(state))}`,
    `connections ${connectionText(state.latest)}`,
    primaryText(state.latest),
  ];
  return parts.join('  ');
}

/** An event with its moment in the load. */
export function eventText(state: LiveState, event: ClusterEvent): string {
  const moment = state.startedAt === null ? '' : `${formatMoment(event.at - state.startedAt)} `.padStart(8);
  return `${moment}${event.detail}`;
}

function elapsed({ startedAt, title }: LiveState, now: number): string {
  const shown = startedAt === null ? 0 : Math.max(0, now - startedAt);
  return `${formatMoment(shown)} / ${formatMoment(title.durationMs)}`;
}

function serverText({ name, role, timeline }: ServerSample, colors: Colors): string {
  if (role === 'primary') return colors.green(`${name} primary (timeline ${timeline})`);
  return role === 'standby' ? `${name} standby` : colors.red(`${name} does not answer`);
}

function primaryText(servers: readonly ServerSample[]): string {
  const primary = servers.find(({ role }) => role === 'primary');
  return primary === undefined ? 'no primary' : `primary ${primary.name}, timeline ${primary.timeline}`;
}

function rate(interval: Interval | undefined): string {
  const perSecond = interval === undefined ? 0 : (interval.ok / interval.lengthMs) * 1_000;
  return `${formatCount(perSecond)} ops/s`.padStart(11);
}

function latency(interval: Interval | undefined): string {
  return `p50 ${formatMs(interval?.p50Ms ?? null)}  p99 ${formatMs(interval?.p99Ms ?? null)}`;
}

function errorsOf({ counts }: LiveState): number {
  return counts === null ? 0 : totals(counts).errors;
}

function errorText(state: LiveState, colors: Colors): string {
  const errors = errorsOf(state);
  if (errors === 0) return colors.green('0');
  const unknown = state.counts?.write.unknown ?? 0;
  return colors.red(`${formatCount(errors)}, of which ${plural(unknown, 'write')} with unknown outcome`);
}

function connectionText(servers: readonly ServerSample[]): string {
  return servers.map(({ name, connections }) => `${name} ${connections}`).join(', ');
}

/** Successes of each second, with the faults marked. */
function sparkline({ intervals, events }: LiveState, width: number, colors: Colors): string {
  const shown = intervals.slice(-Math.max(0, width));
  const highest = Math.max(1, ...shown.map(({ ok }) => ok));
  const faults = events.filter(({ type }) => type === 'fault:applied');
  return shown
    .map(({ ok, at, lengthMs }) => {
      if (faults.some((fault) => fault.at <= at && fault.at > at - lengthMs)) return colors.red(FAULT_MARK);
      return BARS[Math.round((ok / highest) * (BARS.length - 1))];
    })
    .join('');
}
