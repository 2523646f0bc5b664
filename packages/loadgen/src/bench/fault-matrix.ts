import type { FaultName } from '@schooldb/local-cluster';
import { FAULT_NAMES, faultText } from '@schooldb/local-cluster';
import { formatMs } from '../report/format.ts';
import type { RunReport } from '../run/run-report.ts';
import type { EngineName } from '../options/engine.ts';
import { renderLimits } from './failover-report.ts';
import { faultsWithoutCase } from './fault-cases.ts';
import type { FaultCase } from './fault-cases.ts';
import { MODES } from './forced-loss-report.ts';
import type { Mode } from './forced-loss-report.ts';
import { judgeLimit } from './limits.ts';
import type { JudgedLimit } from './limits.ts';

/** What the callers of one driver met. */
export interface Met {
  operations: number;
  /** Calls that failed, unknown outcomes included. */
  errors: number;
  unknown: number;
  /** The longest time in which no write got through, and the longest that one caller waited. */
  stallMs: number;
  longestCallMs: number;
  lost: number | null;
  doubled: number | null;
  ghosts: number | null;
}

/** One fault, on one cluster, under both drivers at once. */
export interface MatrixCell {
  fault: FaultCase;
  mode: Mode;
  target: string | null;
  /** Why it could not be made. */
  error: string | null;
  endedBy: string;
  pg: Met;
  schooldb: Met;
}

export interface MatrixReport {
  bench: 'faults';
  engines: { engine: EngineName; server: string; cells: MatrixCell[] }[];
  limits: JudgedLimit[];
  held: boolean;
}

export function metBy({
  operations,
  errors,
  errorKinds,
  longestStallMs,
  longestOperation,
  ...run
}: RunReport): Met {
  const counts = run.verification?.check?.counts;
  return {
    operations,
    errors,
    unknown: errorKinds.filter(({ outcome }) => outcome !== 'fail').reduce((sum, { n }) => sum + n, 0),
    stallMs: longestStallMs,
    longestCallMs: longestOperation?.ms ?? 0,
    lost: counts?.lost ?? null,
    doubled: counts?.duplicate ?? null,
    ghosts: counts === undefined ? null : counts.ghost + counts.unexpected,
  };
}

export function matrixReport(engines: MatrixReport['engines']): MatrixReport {
  const cells = engines.flatMap((each) => each.cells);
  const none = (what: string, of: readonly MatrixCell[], figure: 'lost' | 'doubled' | 'ghosts') =>
    judgeLimit({
      what: `SchoolDB: ${what}`,
      // What could not be read back is no zero.
      measured: of.some(({ schooldb, error }) => error === null && schooldb[figure] === null)
        ? null
        : of.reduce((sum, { schooldb }) => sum + (schooldb[figure] ?? 0), 0),
      unit: 'n',
      most: 0,
      bound: 'most',
    });
  const limits = [
    none(
      'lost with synchronous replication',
      cells.filter(({ mode }) => mode === 'synchronous'),
      'lost',
    ),
    none('done twice', cells, 'doubled'),
    none('ghosts', cells, 'ghosts'),
  ];
  return { bench: 'faults', engines, limits, held: limits.every(({ held }) => held) };
}

export function renderMatrix({ engines, limits }: MatrixReport): string[] {
  return [
    ...engines.flatMap(({ engine, cells }) => [...matrixTable(engine, cells), '']),
    ...renderLimits(limits),
  ];
}

/** The line that is shown as soon as a fault is over. */
export function cellLine(cell: MatrixCell): string {
  return rowOf(cell).join('   ');
}

const HEAD = [
  'fault',
  'replication',
  'plain pg: errors',
  'longest stall',
  'lost, twice',
  'SchoolDB: errors',
  'longest stall',
  'lost, twice',
  'what ended it',
];

/** The matrix of one engine as a table of Markdown, laid out as Prettier does. */
export function matrixTable(engine: EngineName, cells: readonly MatrixCell[]): string[] {
  const reasons = new Map(faultsWithoutCase(engine).map(({ name, why }) => [name, why]));
  const rows = FAULT_NAMES.flatMap((name) => {
    const why = reasons.get(name);
    return why === undefined ? rowsOf(name, cells) : [emptyRow(name, '–', why)];
  });
  return markdownTable([HEAD, ...rows]);
}

function rowsOf(name: FaultName, cells: readonly MatrixCell[]): string[][] {
  return MODES.toReversed().flatMap((mode) =>
    cells.filter(({ fault, ...cell }) => fault.name === name && cell.mode === mode).map(rowOf),
  );
}

function rowOf({ fault, mode, error, endedBy, pg, schooldb }: MatrixCell): string[] {
  const { forMs: _, ...named } = fault;
  const name = faultText(named);
  if (error !== null) return emptyRow(name, mode, error.replace(`${fault.name}: `, ''));
  return [`\`${name}\``, mode, ...metCells(pg), ...metCells(schooldb), endedBy];
}

function metCells({ operations, errors, unknown, stallMs, lost, doubled }: Met): string[] {
  const told = unknown === 0 ? '' : `, ${unknown} unknown`;
  return [
    `${errors} of ${operations}${told}`,
    formatMs(stallMs),
    lost === null || doubled === null ? 'not read back' : `${lost}, ${doubled}`,
  ];
}

function emptyRow(name: string, mode: string, why: string): string[] {
  return [`\`${name}\``, mode, '–', '–', '–', '–', '–', '–', why.replaceAll('|', '\\|')];
}

function markdownTable(rows: readonly (readonly string[])[]): string[] {
  const widths = HEAD.map((_, column) => Math.max(3, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const [head, ...rest] = rows.map((row) => line(row.map((cell, column) => cell.padEnd(widths[column]!))));
  return [head!, line(widths.map((width) => '-'.repeat(width))), ...rest];
}
