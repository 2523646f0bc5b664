import type { ClusterEvent } from '@schooldb/local-cluster';
import type { Counts, Interval } from '../measure/recorder.ts';
import type { ServerSample } from '../measure/server-watch.ts';
import type { RunListener } from '../run/listener.ts';

/** What the run is about; does not change while it runs. */
export interface RunTitle {
  /** Such as `schooldb · ledger · 300 clients`. */
  text: string;
  durationMs: number;
}

const MOST_EVENTS = 200;

/** Collects what a run tells, for whoever draws it. */
export class LiveState implements RunListener {
  readonly title: RunTitle;
  readonly events: ClusterEvent[] = [];
  readonly intervals: Interval[] = [];
  readonly warnings: string[] = [];
  currentStage = '';
  startedAt: number | null = null;
  counts: Counts | null = null;
  latest: readonly ServerSample[] = [];

  constructor(title: RunTitle) {
    this.title = title;
  }

  stage(text: string): void {
    this.currentStage = text;
  }

  loadStarted(at: number): void {
    this.startedAt = at;
  }

  progress(counts: Counts, intervals: readonly Interval[]): void {
    this.counts = counts;
    this.intervals.push(...intervals);
  }

  servers(latest: readonly ServerSample[]): void {
    this.latest = [...latest];
  }

  event(event: ClusterEvent): void {
    this.events.push(event);
    if (this.events.length > MOST_EVENTS) this.events.shift();
  }

  warning(text: string): void {
    this.warnings.push(text);
  }
}
