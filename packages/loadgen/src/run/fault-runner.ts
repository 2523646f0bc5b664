import type { AppliedFault, Cluster } from '@schooldb/local-cluster';
import { leadsToFailover } from '../options/fault-schedule.ts';
import type { ScheduledFault } from '../options/fault-schedule.ts';
import { epochMs } from '../measure/clock.ts';
import { pause } from '../measure/pause.ts';

/** A fault as it happened; moments are milliseconds since 1970, null where it did not come to that. */
export interface FaultRecord extends ScheduledFault {
  target: string | null;
  /** When it was asked for. */
  requestedAt: number | null;
  undoneAt: number | null;
  /** Why it did not happen, or could not be undone. */
  error: string | null;
}

/** The outage observer is at work this long before a fault, so that it never starts in the middle of one. */
const WATCH_BEFORE_MS = 300;

/** Makes the scheduled faults at their moments. */
export class FaultRunner {
  readonly records: FaultRecord[];
  readonly #cluster: Cluster;
  readonly #promoteAfterMs: number;
  readonly #startedAt: number;
  readonly #watch: () => void;
  readonly #ended = new AbortController();
  readonly #running: Promise<void>[];

  /** @param watch - Called shortly before each fault. */
  constructor(
    cluster: Cluster,
    faults: readonly ScheduledFault[],
    promoteAfterMs: number,
    startedAt: number,
    watch: () => void,
  ) {
    this.#cluster = cluster;
    this.#promoteAfterMs = promoteAfterMs;
    this.#startedAt = startedAt;
    this.#watch = watch;
    this.records = faults.map((fault) => ({
      ...fault,
      target: null,
      requestedAt: null,
      undoneAt: null,
      error: null,
    }));
    this.#running = this.records.map((record) => this.#run(record));
  }

  /** The load has ended: nothing new is broken, and what only an undo can heal is undone. */
  async end(): Promise<void> {
    this.#ended.abort();
    await Promise.all(this.#running);
  }

  async #run(record: FaultRecord): Promise<void> {
    await this.#until(record.atMs - WATCH_BEFORE_MS);
    this.#watch();
    await this.#until(record.atMs);
    if (this.#ended.signal.aborted) return;
    try {
      record.requestedAt = epochMs();
      const applied = await this.#cluster.fault(record.name);
      record.target = applied.target;
      await this.#undoInTime(record, applied);
    } catch (error) {
      record.error = (error as Error).message;
    }
  }

  async #undoInTime(record: FaultRecord, applied: AppliedFault): Promise<void> {
    // The supervisor heals these: undoing them at the end of the load would cancel the failover under way.
    if (leadsToFailover(record, this.#promoteAfterMs)) {
      if (record.forMs === null) return;
      await this.#until(record.atMs + record.forMs);
    } else await this.#until(record.forMs === null ? Infinity : record.atMs + record.forMs);
    await applied.undo();
    record.undoneAt = epochMs();
  }

  /** Resolves at a moment of the load, or when the load has ended. */
  async #until(ms: number): Promise<void> {
    const waitMs = Math.min(this.#startedAt + ms - epochMs(), 2_147_483_647);
    if (waitMs > 0) await pause(waitMs, this.#ended.signal);
  }
}
