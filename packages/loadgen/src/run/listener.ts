import type { ClusterEvent } from '@schooldb/local-cluster';
import type { Counts, Interval } from '../measure/recorder.ts';
import type { ServerSample } from '../measure/server-watch.ts';

/** Hears how a run goes on. Listeners only note: they never throw and never wait. */
export interface RunListener {
  /** What is being done now, in a few words. */
  stage(text: string): void;
  loadStarted(at: number): void;
  progress(counts: Counts, intervals: readonly Interval[]): void;
  servers(latest: readonly ServerSample[]): void;
  event(event: ClusterEvent): void;
  /** Something went wrong that does not end the run. */
  warning(text: string): void;
}
