/** A figure and what it must not exceed. */
export interface Limit {
  /** What is measured, with its unit. */
  what: string;
  /** Null: it could not be measured, and so is not held. */
  measured: number | null;
  /** How `measured` and `most` are written. */
  unit: 'ms' | 'n';
  /** `below`: reaching it breaks it; `most`: reaching it is still held. */
  most: number;
  bound: 'below' | 'most';
}

export interface JudgedLimit extends Limit {
  held: boolean;
}

export function judgeLimit(limit: Limit): JudgedLimit {
  const { measured, most, bound } = limit;
  return { ...limit, held: measured !== null && (bound === 'below' ? measured < most : measured <= most) };
}

/** The smallest of the values that at least this share of them does not exceed; null without values. */
export function percentile(values: readonly number[], ratio: number): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(ratio * sorted.length) - 1)] ?? null;
}

export function median(values: readonly number[]): number | null {
  return percentile(values, 0.5);
}
