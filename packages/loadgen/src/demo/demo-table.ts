import { formatDuration } from '../options/duration.ts';
import { formatCount, formatMs, plural } from '../report/format.ts';
import { renderTable } from '../report/table.ts';
import type { RunReport } from '../run/run-report.ts';
import type { DemoReport } from './demo-report.ts';

const COLUMNS = [{ align: 'left' }, { align: 'right' }, { align: 'right' }] as const;

/** The two runs side by side, and what they mean. */
export function renderDemo({ pg, schooldb, kept }: DemoReport): string {
  const rows: [string, (report: RunReport) => string][] = [
    ['operations', ({ operations }) => formatCount(operations)],
    ['  of them successful', ({ operations, errors }) => formatCount(operations - errors)],
    ['errors that callers saw', ({ errors }) => formatCount(errors)],
    ['  of them writes with unknown outcome', ({ counts }) => formatCount(counts.write.unknown)],
    ['longest stall (no write got through)', ({ longestStallMs }) => formatMs(longestStallMs)],
    ['longest single call', ({ longestOperation }) => formatMs(longestOperation?.ms ?? null)],
    ['acknowledged writes', (report) => checked(report, ({ acknowledged }) => acknowledged)],
    ['acknowledged and lost', (report) => checked(report, ({ counts }) => counts.lost)],
    ['done twice', (report) => checked(report, ({ counts }) => counts.duplicate)],
    ['reported failed, yet present', (report) => checked(report, ({ counts }) => counts.ghost)],
    ['most connections at one server', ({ connections }) => formatCount(connections.mostAtOneServer)],
    ['most connections at all (budget)', connectionsInTotal],
    ['outage of the master address', ({ faults }) => formatMs(faults[0]?.outageMs ?? null)],
    ['the cluster needed to promote', ({ faults }) => formatMs(faults[0]?.promotionMs ?? null)],
    ["the client's own share of the stall", ({ faults }) => formatMs(faults[0]?.ownShareMs ?? null)],
    ['verdict', ({ verification }) => verification?.verdict ?? 'not verified'],
  ];
  const table = renderTable(COLUMNS, [
    ['', 'plain pg', 'SchoolDB'],
    ...rows.map(([label, cell]) => [label, cell(pg), cell(schooldb)]),
  ]);
  return `${[title(schooldb), '', ...table, '', ...meaning({ pg, schooldb, kept })].join('\n')}\n`;
}

function title({ options, bed }: RunReport): string {
  const { clients, durationMs, faults } = options;
  const load = `${plural(clients, 'client')}, ${formatDuration(durationMs)} each`;
  return `${load}, ${faults[0]!.name} after ${formatDuration(faults[0]!.atMs)}; ${bed}`;
}

function checked(
  { verification }: RunReport,
  pick: (check: NonNullable<NonNullable<RunReport['verification']>['check']>) => number,
): string {
  return verification?.check == null ? '?' : formatCount(pick(verification.check));
}

function connectionsInTotal({ connections }: RunReport): string {
  return `${connections.mostInTotal} (${connections.budget ?? 'none'})`;
}

function meaning({ pg, schooldb, kept }: DemoReport): string[] {
  const before = `With plain pg ${plural(pg.errors, 'call')} failed, and each app had to find out what had happened to them.`;
  if (kept.kept)
    return [
      pg.errors > 0 ? before : 'Plain pg got through without an error this time.',
      `With SchoolDB nobody noticed more than a wait, of ${formatMs(schooldb.longestOperation?.ms ?? null)} at most, and every write is there, once.`,
    ];
  const outcome = kept.inconclusive ? 'This run proves nothing about SchoolDB' : 'SchoolDB broke its promise';
  return [before, `${outcome}: ${kept.reasons.join('; ')}.`];
}
