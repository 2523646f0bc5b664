import { readFileSync } from 'node:fs';
import { FAULT_NAMES } from '@schooldb/local-cluster';
import { describe, expect, it } from 'vitest';
import { faultCases, faultsWithoutCase } from './fault-cases.ts';
import { matrixReport, matrixTable } from './fault-matrix.ts';
import type { MatrixCell, Met } from './fault-matrix.ts';
import { marksOf, withMatrix } from './matrix-file.ts';

const ENGINES = ['embedded', 'patroni'] as const;
const README = new URL('../../../local-cluster/README.md', import.meta.url);

const met = (more: Partial<Met> = {}): Met => ({
  operations: 100,
  errors: 0,
  unknown: 0,
  stallMs: 12,
  longestCallMs: 12,
  lost: 0,
  doubled: 0,
  ghosts: 0,
  ...more,
});
const cell = (more: Partial<MatrixCell> = {}): MatrixCell => ({
  fault: { name: 'kill-primary', options: {}, forMs: null },
  mode: 'synchronous',
  target: 'pg1',
  error: null,
  endedBy: 'promotion after 1.20 s',
  pg: met({ errors: 7, unknown: 2 }),
  schooldb: met(),
  ...more,
});

describe('the README of the local cluster', () => {
  const readme = readFileSync(README, 'utf8');

  it.each(ENGINES)('has a row for every fault of engine %s in each mode', (engine) => {
    const { begin, end } = marksOf(engine);
    const [, table = ''] = readme.split(begin);
    const rows = [...table.split(end)[0]!.matchAll(/^\| `([a-z_-]+).*?` +\| (\S+) /gm)];
    const found = rows.map(([, name, mode]) => `${name} ${mode}`);
    for (const { name } of faultCases(engine))
      for (const mode of ['synchronous', 'asynchronous']) expect(found).toContain(`${name} ${mode}`);
    for (const { name } of faultsWithoutCase(engine)) expect(found).toContain(`${name} –`);
  });
});

describe.each(ENGINES)('the matrix of %s', (engine) => {
  it('has a row for every fault, also for those that the engine does not have', () => {
    const cells = faultCases(engine).map((fault) => cell({ fault }));
    const rows = matrixTable(engine, cells).slice(2);
    expect(rows).toHaveLength(FAULT_NAMES.length);
    for (const [index, name] of FAULT_NAMES.entries())
      expect(rows[index]).toMatch(new RegExp(`^\\| \`${name}`));
    for (const { why } of faultsWithoutCase(engine)) expect(rows.join('\n')).toContain(why);
  });
});

describe('matrixTable', () => {
  it('tells what callers met, and why a fault could not be made', () => {
    const fault = {
      name: 'partition',
      options: { groups: [['pg1'], ['pg2', 'pg3']] },
      forMs: 3_000,
    } as const;
    const rows = matrixTable('embedded', [cell(), cell({ fault, error: 'pg1 | pg2' })]);
    expect(rows.find((row) => row.includes('kill-primary'))).toMatch(
      /^\| `kill-primary` +\| synchronous +\| 7 of 100, 2 unknown \| 12\.0 ms +\| 0, 0 +\| 0 of 100 +\| 12\.0 ms +\| 0, 0 +\| promotion after 1\.20 s +\|$/,
    );
    expect(rows.find((row) => row.includes('partition'))).toContain('pg1 \\| pg2');
  });
});

describe('matrixReport', () => {
  const heldWith = (more: Partial<MatrixCell>) =>
    matrixReport([{ engine: 'embedded', server: '16', cells: [cell(), cell(more)] }]).held;

  it('holds where SchoolDB kept its promises', () => {
    expect(heldWith({})).toBe(true);
    expect(heldWith({ mode: 'asynchronous', schooldb: met({ lost: 3 }) })).toBe(true);
  });

  it.each<[string, Partial<MatrixCell>]>([
    ['lost a write in synchronous mode', { schooldb: met({ lost: 1 }) }],
    ['did one twice', { mode: 'asynchronous', schooldb: met({ doubled: 1 }) }],
    ['called one failed that is there', { schooldb: met({ ghosts: 1 }) }],
    ['could not be read back', { schooldb: met({ lost: null }) }],
  ])('does not hold where it %s', (_, more) => {
    expect(heldWith(more)).toBe(false);
  });
});

describe('withMatrix', () => {
  const { begin, end } = marksOf('embedded');

  it('replaces what is between the marks, and nothing else', () => {
    const text = `before\n${begin}\nold\n${end}\nafter`;
    const written = withMatrix(text, 'x.md', 'embedded', ['| new |']);
    expect(written).toBe(`before\n${begin}\n\n| new |\n\n${end}\nafter`);
    expect(withMatrix(written, 'x.md', 'embedded', ['| new |'])).toBe(written);
  });

  it('says which marks are missing', () => {
    expect(() => withMatrix('nothing', 'x.md', 'embedded', [])).toThrow(
      /--write: x\.md does not hold the lines/,
    );
  });
});
