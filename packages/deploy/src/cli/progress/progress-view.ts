import type { Progress } from '../../steps/run-steps.ts';

/** How a run under way is shown. */
export interface ProgressView {
  /** @param line - says the same in words. */
  report(progress: Progress, line: string): void;
  /** The run is over; nothing is drawn any more once this has resolved. */
  end(): Promise<void>;
}
