import type { AppliedFault } from '@schooldb/local-cluster';
import { awaitWhole } from '../bed/await-whole.ts';
import type { ClusterBed } from '../bed/cluster-bed.ts';
import { leadsToFailover } from '../options/fault-schedule.ts';
import type { ScheduledFault } from '../options/fault-schedule.ts';
import type { RunOptions } from '../options/run-options.ts';
import { epochMs } from '../measure/clock.ts';
import { pause, within } from '../measure/pause.ts';

/** A fault as it happened; moments are milliseconds since 1970, null where it did not come to that. */
export interface FaultRecord extends ScheduledFault {
  target: string | null;
  /** When it was asked for. */
  requestedAt: number | null;
  undoneAt: number | null;
  /** When the cluster was whole again, where the next fault waits for that. */
  wholeAt: number | null;
  /** Why it did not happen, could not be undone, or was not healed. */
  error: string | null;
}

export type FaultPlan = Pick<RunOptions, 'faults' | 'pace' | 'promoteAfterMs' | 'durationMs'>;

/** The outage observer is at work this long before a fault, so that it never starts in the middle of one. */
const WATCH_BEFORE_MS = 300;
/** An outage may begin long after its fault, as without etcd: the observer stays at work while a fault is in force. */
const WATCH_AGAIN_MS = 2_000;
/** How long a fault lasts that nobody would undo, where the next one waits for it. */
const DEFAULT_FOR_MS = 5_000;
/** Beyond the promotion's own delay. */
const PROMOTION_LIMIT_MS = 60_000;
const STATUS_LIMIT_MS = 10_000;
const LOOK_MS = 200;
/** What an outage and its recovery take beside the fault itself: none is begun later than that before the end. */
const RECOVERY_MS = 10_000;

/** Makes the scheduled faults, at their moments or one after another. */
export class FaultRunner {
  readonly records: FaultRecord[] = [];
  readonly #bed: ClusterBed;
  readonly #plan: FaultPlan;
  readonly #startedAt: number;
  readonly #watch: () => void;
  readonly #ended = new AbortController();
  readonly #running: Promise<unknown>;

  /** @param watch - Called shortly before each fault, and again while it is in force. */
  constructor(bed: ClusterBed, plan: FaultPlan, startedAt: number, watch: () => void) {
    this.#bed = bed;
    this.#plan = plan;
    this.#startedAt = startedAt;
    this.#watch = watch;
    this.#running = this.#runAll();
  }

  /** The load has ended: nothing new is broken, and what only an undo can heal is undone. */
  async end(): Promise<void> {
    this.#ended.abort();
    await this.#running;
  }

  async #runAll(): Promise<void> {
    const { faults, pace } = this.#plan;
    if (pace === 'in-turn') return this.#inTurn();
    const records = faults.map((fault) => this.#note(fault));
    if (pace === 'one-at-a-time') {
      for (const record of records) if (!(await this.#strikeAndHeal(record))) return;
    } else await Promise.all(records.map((record) => this.#onTime(record)));
  }

  /** Over and over until the load ends; `atMs` is the rest between a cluster that is whole and the next fault. */
  async #inTurn(): Promise<void> {
    const { faults, durationMs, promoteAfterMs } = this.#plan;
    for (let turn = 0; ; turn++) {
      const fault = faults[turn % faults.length]!;
      const atMs = epochMs() - this.#startedAt + fault.atMs;
      if (atMs + promoteAfterMs + (fault.forMs ?? 0) + RECOVERY_MS > durationMs) return;
      if (!(await this.#strikeAndHeal(this.#note({ ...fault, atMs })))) return;
    }
  }

  #note(fault: ScheduledFault): FaultRecord {
    const record = {
      ...fault,
      target: null,
      requestedAt: null,
      undoneAt: null,
      wholeAt: null,
      error: null,
    };
    this.records.push(record);
    return record;
  }

  async #onTime(record: FaultRecord): Promise<void> {
    try {
      const applied = await this.#strike(record);
      if (applied !== null) await this.#undoInTime(record, applied);
    } catch (error) {
      record.error = (error as Error).message;
    }
  }

  /** False when nothing must follow: the load has ended, or the cluster has not healed. */
  async #strikeAndHeal(record: FaultRecord): Promise<boolean> {
    try {
      const applied = await this.#strike(record);
      if (applied === null) return false;
      await this.#letWork(record, applied);
      if (this.#ended.signal.aborted && this.#healsItself(record)) return false;
      await applied.undo();
      record.undoneAt = epochMs();
      this.#watch();
      await awaitWhole(this.#bed, this.#ended.signal);
      if (this.#ended.signal.aborted) return false;
      record.wholeAt = epochMs();
      return true;
    } catch (error) {
      record.error = (error as Error).message;
      return false;
    }
  }

  async #strike(record: FaultRecord): Promise<AppliedFault | null> {
    await this.#until(record.atMs - WATCH_BEFORE_MS);
    // One that comes late because the cluster was not whole gets its watching before it as well.
    this.#watch();
    await this.#until(Math.max(record.atMs, epochMs() - this.#startedAt + WATCH_BEFORE_MS / 2));
    if (this.#ended.signal.aborted) return null;
    record.requestedAt = epochMs();
    const applied = await this.#bed.cluster.fault(record.name, record.options);
    record.target = applied.target;
    return applied;
  }

  async #undoInTime(record: FaultRecord, applied: AppliedFault): Promise<void> {
    // The cluster heals these: undoing them at the end of the load would cancel the failover under way.
    if (this.#healsItself(record)) {
      if (record.forMs === null) return;
      await this.#until(record.atMs + record.forMs);
    } else await this.#until(record.forMs === null ? Infinity : record.atMs + record.forMs);
    await applied.undo();
    record.undoneAt = epochMs();
  }

  /** Until the fault has lasted for its time, or another server has taken over. */
  async #letWork(record: FaultRecord, { target }: AppliedFault): Promise<void> {
    if (record.forMs === null && this.#healsItself(record)) return this.#takeOver(target);
    const until = epochMs() + (record.forMs ?? DEFAULT_FOR_MS);
    for (let left = until - epochMs(); left > 0; left = until - epochMs()) {
      this.#watch();
      await pause(Math.min(left, WATCH_AGAIN_MS), this.#ended.signal);
      if (this.#ended.signal.aborted) return;
    }
  }

  async #takeOver(lost: string): Promise<void> {
    const { promoteAfterMs } = this.#plan;
    for (const until = epochMs() + promoteAfterMs + PROMOTION_LIMIT_MS; epochMs() < until;) {
      const { primary } = await within(STATUS_LIMIT_MS, 'asking the cluster', this.#bed.cluster.status());
      if ((primary !== null && primary !== lost) || this.#ended.signal.aborted) return;
      await pause(LOOK_MS, this.#ended.signal);
    }
    throw new Error(`nobody took over from ${lost} within ${promoteAfterMs + PROMOTION_LIMIT_MS} ms`);
  }

  #healsItself(record: FaultRecord): boolean {
    return leadsToFailover(record, this.#plan.promoteAfterMs);
  }

  /** Resolves at a moment of the load, or when the load has ended. */
  async #until(ms: number): Promise<void> {
    const waitMs = Math.min(this.#startedAt + ms - epochMs(), 2_147_483_647);
    if (waitMs > 0) await pause(waitMs, this.#ended.signal);
  }
}
