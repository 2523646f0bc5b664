import { formatDuration } from '../options/duration.ts';
import type { EngineName } from '../options/engine.ts';
import { renderLimits } from '../bench/failover-report.ts';
import { judgeLimit, percentile } from '../bench/limits.ts';
import type { JudgedLimit } from '../bench/limits.ts';
import type { Interval } from '../measure/recorder.ts';
import type { FaultReport, RunReport } from '../run/run-report.ts';
import { formatMoment, formatMs } from '../report/format.ts';
import { renderTable } from '../report/table.ts';

/** Operations, and those of them that ended in a plain success. */
interface Share {
  operations: number;
  withoutError: number;
  /** 0 to 1; null without operations. */
  ratio: number | null;
}

export interface SoakReport {
  soak: EngineName;
  seed: number;
  /** Of all operations those whose caller saw no error. */
  rodeThrough: Share;
  /** The same between each fault and the moment at which the cluster was whole again. */
  rodeThroughFaults: Share;
  /** The client's own part of the outages, in milliseconds. */
  ownShare: { p50Ms: number | null; maxMs: number | null };
  limits: JudgedLimit[];
  run: RunReport;
}

export function soakReport(soak: EngineName, run: RunReport): SoakReport {
  const { operations, errors, faults, intervals, verification } = run;
  const ownShares = faults.flatMap(({ ownShareMs }) => ownShareMs ?? []);
  const counts = verification?.check?.counts;
  const none = (what: string, measured: number | undefined) =>
    judgeLimit({ what, measured: measured ?? null, unit: 'n', most: 0, bound: 'most' });
  return {
    soak,
    seed: run.options.seed,
    rodeThrough: share(operations, errors),
    rodeThroughFaults: shareOf(
      intervals.filter((interval) => faults.some((fault) => meets(interval, fault))),
    ),
    ownShare: { p50Ms: percentile(ownShares, 0.5), maxMs: percentile(ownShares, 1) },
    limits: [
      none('lost', counts?.lost),
      none('done twice', counts?.duplicate),
      none('ghosts', counts && counts.ghost + counts.unexpected),
    ],
    run,
  };
}

export function renderSoak({ rodeThrough, rodeThroughFaults, ownShare, limits, run }: SoakReport): string {
  const { options, bed, server, startedAt, endedAt, interrupted, verification, faults } = run;
  const lasted = formatDuration(Math.round((endedAt - startedAt) / 1_000) * 1_000);
  return [
    `${bed}, PostgreSQL ${server.version}, ${options.clients} clients, ${lasted}${interrupted ? ', ended early' : ''}`,
    '',
    ...faultTable(faults, startedAt),
    '',
    `rode through without an error   ${shareText(rodeThrough)}`,
    `  while a fault was at work     ${shareText(rodeThroughFaults)}`,
    `the client's own share          p50 ${formatMs(ownShare.p50Ms)}, max ${formatMs(ownShare.maxMs)}`,
    ...run.errorKinds.map(
      ({ n, kind, outcome, code, message }) => `  ${n} × ${kind} ${outcome} ${code}: ${message}`,
    ),
    '',
    ...renderLimits(limits),
    `verdict: ${verification?.verdict ?? 'inconclusive'}: ${verification?.reasons.join('; ') ?? 'nothing was verified'}`,
    '',
  ].join('\n');
}

function faultTable(faults: readonly FaultReport[], startedAt: number): string[] {
  const right = { align: 'right' } as const;
  const left = { align: 'left' } as const;
  return renderTable(
    [left, left, right, right, right, right, right],
    [
      ['fault', 'hits', 'at', 'callers waited', 'cluster needed', "client's own share", 'whole after'],
      ...faults.map(({ name, target, requestedAt, wholeAt, ...took }) => [
        name,
        target ?? '–',
        requestedAt === null ? '–' : formatMoment(requestedAt - startedAt),
        formatMs(took.stallMs),
        formatMs(took.outageMs),
        formatMs(took.ownShareMs),
        formatMs(wholeAt === null || requestedAt === null ? null : wholeAt - requestedAt),
      ]),
    ],
  );
}

function meets({ at, lengthMs }: Interval, { requestedAt, wholeAt }: FaultReport): boolean {
  return requestedAt !== null && at >= requestedAt && at - lengthMs <= (wholeAt ?? Infinity);
}

function shareOf(intervals: readonly Interval[]): Share {
  const errors = intervals.reduce((sum, interval) => sum + interval.errors, 0);
  return share(errors + intervals.reduce((sum, interval) => sum + interval.ok, 0), errors);
}

function share(operations: number, errors: number): Share {
  const withoutError = operations - errors;
  return { operations, withoutError, ratio: operations === 0 ? null : withoutError / operations };
}

/** Never rounded up to a hundred: one error in a million is told. */
function shareText({ operations, withoutError, ratio }: Share): string {
  if (ratio === null) return 'no operations';
  const percent = withoutError === operations ? '100' : (Math.floor(ratio * 1e6) / 1e4).toFixed(4);
  return `${percent} % (${withoutError} of ${operations} operations)`;
}
