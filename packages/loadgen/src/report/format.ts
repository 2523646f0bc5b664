/** `0.42 ms`, `12.3 ms`, `5.31 s`; a dash where nothing was measured. */
export function formatMs(ms: number | null): string {
  if (ms === null) return '–';
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(2)} s`;
  if (ms >= 100) return `${ms.toFixed(0)} ms`;
  return `${ms.toFixed(ms >= 10 ? 1 : 2)} ms`;
}

/** `12,345`, the same in every locale: reports are compared. */
export function formatCount(n: number): string {
  return Math.round(n).toLocaleString('en-US');
}

/** `10.0s` into the load. */
export function formatMoment(ms: number): string {
  return `${(ms / 1_000).toFixed(1)}s`;
}

/** `1 write`, `2 writes`. */
export function plural(n: number, what: string): string {
  return `${formatCount(n)} ${what}${n === 1 ? '' : 's'}`;
}
