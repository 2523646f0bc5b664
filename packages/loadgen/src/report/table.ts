export interface Column {
  align: 'left' | 'right';
}

const BETWEEN = '   ';

/** Lines of cells under one another. Cells are plain text: colours would be counted as width. */
export function renderTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const widths = columns.map((_, i) => Math.max(0, ...rows.map((row) => row[i]?.length ?? 0)));
  return rows.map((row) =>
    columns
      .map(({ align }, i) => {
        const cell = row[i] ?? '';
        return align === 'left' ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!);
      })
      .join(BETWEEN)
      .trimEnd(),
  );
}
