import type { Demand } from '../policy/position.ts';
import { meets } from '../policy/position.ts';
import { ASK_REPLAYED, ASK_REPLAYED_AND_LINEAGE } from '../wire/sql.ts';
import type { PositionRow } from '../wire/sql.ts';

/**
 * How far the standby at the end of a connection is known to have replayed, and on which timeline. As long as the
 * connection lives the server only goes forward: one that has gone another way must be restarted to be turned round.
 * So what was once proven stays true, and a timeline that was followed is part of what the server holds for good.
 */
export class Replayed {
  #timeline: number | undefined;
  #lsn: bigint | undefined;

  meets(demand: Demand): boolean {
    return meets({ timeline: this.#timeline, lsn: this.#lsn }, demand);
  }

  /** Whether it follows another timeline, or none. */
  follows({ timeline }: Demand): boolean {
    return this.#timeline !== undefined && (timeline === undefined || this.#timeline === timeline);
  }

  /** The text to ask with: the timeline only where it is not known to be the right one. */
  question(demand: Demand): string {
    return this.follows(demand) ? ASK_REPLAYED : ASK_REPLAYED_AND_LINEAGE;
  }

  learn({ lsn, timeline }: PositionRow): void {
    if (typeof timeline === 'number') this.#timeline = timeline;
    if (lsn !== null) this.#lsn = BigInt(lsn);
  }
}
