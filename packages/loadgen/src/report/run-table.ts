import { formatDuration } from '../options/duration.ts';
import { faultScheduleText } from '../options/fault-schedule.ts';
import type { LatencySummary } from '../measure/histogram.ts';
import { SATURATED_ABOVE_MS } from '../measure/loop-delay.ts';
import type { KindLatency } from '../measure/recorder.ts';
import type { FaultReport, RunReport, Verification } from '../run/run-report.ts';
import type { Offender } from '../verify/checker.ts';
import type { OperationKind } from '../workloads/workload.ts';
import { formatCount, formatMoment, formatMs, plural } from './format.ts';
import { renderTable } from './table.ts';

const MOST_OFFENDERS = 10;
const MOST_ERROR_KINDS = 8;
const RIGHT = { align: 'right' } as const;
const LEFT = { align: 'left' } as const;

/** The table at the end of a run. */
export function renderRun(report: RunReport): string {
  const sections = [
    header(report),
    figures(report),
    latencies(report),
    report.faults.length === 0 ? [] : faults(report),
    report.errorKinds.length === 0 ? [] : errors(report),
    report.verification === null ? [] : verdict(report.verification),
  ];
  return `${sections
    .filter((section) => section.length > 0)
    .map((section) => section.join('\n'))
    .join('\n\n')}\n`;
}

function header({ options, bed, server, interrupted, exactlyOnce }: RunReport): string[] {
  const { driver, workload, clients, durationMs, thinkMs } = options;
  const load = `${plural(clients, 'client')}, ${formatDuration(durationMs)}, think ${formatDuration(thinkMs)}`;
  return [
    `driver ${driver}, workload ${workload}, ${load}${interrupted ? ', ended early' : ''}`,
    `${bed}, PostgreSQL ${server.version}, max_connections ${server.maxConnections}`,
    ...(driver === 'schooldb' && workload === 'ledger' && !exactlyOnce
      ? ['writes were not sent exactly once: the schema schooldb is not installed in this database']
      : []),
  ];
}

function figures(report: RunReport): string[] {
  const { connections, longestOperation, staleness, generator, options } = report;
  const pulse = options.workload === 'ledger' ? 'writes' : 'reads';
  const longest =
    longestOperation === null ? '' : `; longest ${longestOperation.kind} ${formatMs(longestOperation.ms)}`;
  const budget = connections.budget === null ? 'no budget' : `budget ${connections.budget}`;
  const rows = [
    ['operations', formatCount(report.operations), `${formatCount(report.operationsPerSecond)} per second`],
    ['errors', formatCount(report.errors), 'seen by callers, unknown outcomes included'],
    [
      'longest stall',
      formatMs(report.longestStallMs),
      `between successful ${pulse} of all clients${longest}`,
    ],
    [
      'connections',
      formatCount(connections.mostAtOneServer),
      `most at one server; ${connections.mostInTotal} at all, ${budget}`,
    ],
  ];
  if (staleness.reads > 0)
    rows.push([
      'stale reads',
      formatCount(staleness.stale),
      staleness.stale === 0
        ? 'of own acknowledged writes'
        : `at worst ${plural(staleness.mostBehind, 'own write')} and ${formatMs(staleness.mostBehindMs)} behind`,
    ]);
  const health = `of its own event loop at p99, limit ${SATURATED_ABOVE_MS} ms`;
  rows.push([
    'generator',
    formatMs(generator.loopDelayP99Ms),
    generator.saturated ? `generator saturated: lateness ${health}` : `lateness ${health}`,
  ]);
  return renderTable([LEFT, RIGHT, LEFT], rows);
}

function latencies({ latency }: RunReport): string[] {
  const row = (label: string, name: string, { n, ...at }: LatencySummary): string[] => [
    label,
    name,
    formatCount(n),
    ...[at.p50Ms, at.p90Ms, at.p99Ms, at.p999Ms, at.maxMs].map(formatMs),
  ];
  const rowsOf = (kind: OperationKind, { service, response, failed }: KindLatency): string[][] =>
    [row(kind, 'service', service), row('', 'response', response), row('', 'failed', failed)].filter(
      (cells) => cells[2] !== '0',
    );
  return renderTable(
    [LEFT, LEFT, RIGHT, RIGHT, RIGHT, RIGHT, RIGHT, RIGHT],
    [
      ['latency', '', 'n', 'p50', 'p90', 'p99', 'p99.9', 'max'],
      ...rowsOf('read', latency.read),
      ...rowsOf('write', latency.write),
    ],
  );
}

function faults({ faults, options }: RunReport): string[] {
  const table = renderTable(
    [LEFT, RIGHT, RIGHT, RIGHT, RIGHT],
    [
      ['fault', 'at', 'outage', 'promoted after', "client's own share"],
      ...faults.map((fault) => [
        faultName(fault),
        formatMoment(fault.atMs),
        formatMs(fault.outageMs),
        formatMs(fault.promotionMs),
        formatMs(fault.ownShareMs),
      ]),
    ],
  );
  const inOrder = options.pace === 'one-at-a-time' ? ' --one-at-a-time' : '';
  return [...table, `the same again: --fault '${faultScheduleText(options.faults)}'${inOrder}`];
}

function faultName({ name, target, requestedAt, error }: FaultReport): string {
  if (requestedAt === null) return `${name} (did not happen)`;
  return `${name}${target === null ? '' : ` ${target}`}${error === null ? '' : ` (${error})`}`;
}

function errors({ errorKinds }: RunReport): string[] {
  const more = errorKinds.length - MOST_ERROR_KINDS;
  return [
    ...renderTable(
      [LEFT, RIGHT, LEFT, LEFT],
      [
        ['errors', 'n', 'outcome', ''],
        ...errorKinds
          .slice(0, MOST_ERROR_KINDS)
          .map(({ kind, code, n, outcome, message }) => [
            `${kind} ${code}`,
            formatCount(n),
            outcome,
            message,
          ]),
      ],
    ),
    ...(more > 0 ? [`and ${plural(more, 'other kind')}`] : []),
  ];
}

function verdict({ verdict, reasons, check }: Verification): string[] {
  const lines: string[] = [];
  if (check !== null) {
    const { counts, acknowledged, unknown } = check;
    lines.push(
      ...renderTable(
        [LEFT, RIGHT, LEFT],
        [
          ['acknowledged', formatCount(acknowledged), `${formatCount(counts.stable)} of them present once`],
          ['lost', formatCount(counts.lost), 'acknowledged and absent'],
          ['done twice', formatCount(counts.duplicate), 'present more than once'],
          ['ghosts', formatCount(counts.ghost), 'reported as failed and yet present'],
          ['unexpected', formatCount(counts.unexpected), 'present and never sent'],
          [
            'unknown',
            formatCount(unknown),
            `${formatCount(counts['unknown-recovered'])} present, ${formatCount(counts['unknown-absent'])} absent`,
          ],
        ],
      ),
      ...offenders(check.offenders),
    );
  }
  return [...lines, `verdict: ${verdict}: ${reasons.join('; ')}`];
}

function offenders(all: readonly Offender[]): string[] {
  const more = all.length - MOST_OFFENDERS;
  return [
    ...all.slice(0, MOST_OFFENDERS).map(offenderText),
    ...(more > 0 ? [`and ${plural(more, 'other operation')}`] : []),
  ];
}

function offenderText({ verdict, client, seq, outcome, error, copies, timelines }: Offender): string {
  const told =
    outcome === null ? 'no answer' : `answered ${outcome}${error === undefined ? '' : ` (${error})`}`;
  const where = timelines.length === 0 ? '' : ` on timeline ${timelines.join(' and ')}`;
  return `  ${verdict}: client ${client}, write ${seq}: ${told}, present ${plural(copies, 'time')}${where}`;
}
