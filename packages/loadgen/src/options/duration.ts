const UNITS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000 };
/** The longest a timer of Node can wait. */
const LONGEST_MS = 2_147_483_647;

/** Milliseconds from `500ms`, `2.5s` or `2m`; null for anything else. */
export function parseDuration(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text);
  if (match === null) return null;
  const ms = Number(match[1]) * UNITS[match[2]!]!;
  return ms <= LONGEST_MS ? ms : null;
}

/** The same the other way round, in the largest unit that leaves no fraction. */
export function formatDuration(ms: number): string {
  if (ms >= 60_000 && ms % 60_000 === 0) return `${ms / 60_000}m`;
  if (ms >= 1_000) return `${Number((ms / 1_000).toFixed(1))}s`;
  return `${Number(ms.toFixed(1))}ms`;
}
