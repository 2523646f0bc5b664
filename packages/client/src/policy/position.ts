/**
 * Points in the history of a cluster. A position in the WAL (LSN) alone is none: after a promotion the timelines part,
 * and a standby that stayed on the dead branch may be far beyond the position without holding what was written there.
 */

/** Everything that was written up to here. */
export interface Position {
  /** PostgreSQL's system identifier: positions of another cluster mean nothing here. */
  readonly systemId: string;
  readonly timeline: number;
  /** Bytes from the beginning of the WAL. */
  readonly lsn: bigint;
}

/** What a replica must hold before it may serve a read. */
export interface Demand {
  /** The timeline it must follow; undefined: any, so that it can be told what was read. */
  readonly timeline: number | undefined;
  readonly lsn: bigint;
}

/**
 * The one of two positions that covers both. On a later timeline it does, whatever the other's LSN: what is left of the
 * older timeline is the beginning of the newer one. Of two clusters the second counts.
 */
export function later(one: Position | undefined, other: Position): Position {
  if (one === undefined || one.systemId !== other.systemId) return other;
  if (one.timeline !== other.timeline) return one.timeline > other.timeline ? one : other;
  return one.lsn > other.lsn ? one : other;
}

/** Whether whoever is known to have come this far meets the demand. */
export function meets(
  known: { readonly timeline: number | undefined; readonly lsn: bigint | undefined },
  demand: Demand,
): boolean {
  if (known.timeline === undefined || known.lsn === undefined) return false;
  const followsIt = demand.timeline === undefined || known.timeline === demand.timeline;
  return followsIt && known.lsn >= demand.lsn;
}
